/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup/capabilities.h"
#include "tap_address.h"

#define DEVICE "/dev/net/tun"

static struct ifreq
request_for(const struct vly_port_spec *spec)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, spec->kernel, sizeof(spec->kernel));
	return request;
}

/* What cures an error of the device or of making the interface. */
static void
write_hint(char *hint, size_t room, int error)
{
	char missing[VLY_CAPABILITIES_CHARS];

	vly_capabilities_hint(VLY_PORT_PCI, missing);
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		snprintf(hint, room, "; modprobe tun, or kernel=off behind the port");
	else if (error == EBUSY || error == EINVAL)
		snprintf(hint, room,
			 "; another interface has this name: remove it, or choose another name "
			 "with kernel=NAME behind the port");
	else if (missing[0] != '\0')
		snprintf(hint, room, "%s", missing);
	else
		snprintf(hint, room, "; kernel=off behind the port does without it (%s)", DEVICE);
}

static int
fail(const struct vly_port_spec *spec, const char *what)
{
	int error = errno;
	char hint[VLY_CAPABILITIES_CHARS + 32];

	write_hint(hint, sizeof(hint), error);
	vly_log_error("port %s: interface %s to the kernel: %s: %s%s", spec->name, spec->kernel,
		      what, strerror(error), hint);
	return -1;
}

/* Not persistent, without a header of its own, one queue. */
static int
make(const struct vly_port_spec *spec)
{
	struct ifreq request = request_for(spec);

	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(spec, "can't open " DEVICE);
	/* IFF_TUN_EXCL: without it, a tap that another program left for anybody is taken */
	request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	fail(spec, "can't be made");
	close(fd);
	return -1;
}

static int
set_link(const struct vly_port_spec *spec, int socket, const uint8_t *mac, unsigned mtu)
{
	struct ifreq request = request_for(spec);

	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	if (ioctl(socket, SIOCSIFHWADDR, &request) != 0)
		return fail(spec, "can't get the port's MAC address");
	request = request_for(spec);
	request.ifr_mtu = (int)mtu;
	if (ioctl(socket, SIOCSIFMTU, &request) != 0)
		return fail(spec, "can't get the port's MTU");
	return 0;
}

static int
set_up(const struct vly_port_spec *spec, int socket)
{
	struct ifreq request = request_for(spec);

	if (ioctl(socket, SIOCGIFFLAGS, &request) != 0)
		return fail(spec, "has no flags");
	request.ifr_flags |= IFF_UP;
	if (ioctl(socket, SIOCSIFFLAGS, &request) != 0)
		return fail(spec, "can't be set up");
	return 0;
}

static int
configure(const struct vly_port_spec *spec, const struct vly_addresses *listen, const uint8_t *mac,
	  unsigned mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(spec, "no socket");
	int result = set_link(spec, fd, mac, mtu);
	if (result == 0)
		result = vly_tap_add_addresses(spec, listen);
	if (result == 0)
		result = set_up(spec, fd);
	close(fd);
	return result;
}

int
vly_tap_open(const struct vly_port_spec *spec, const struct vly_addresses *listen,
	     const uint8_t *mac, unsigned mtu)
{
	int fd = make(spec);

	if (fd < 0)
		return -1;
	if (configure(spec, listen, mac, mtu) == 0)
		return fd;
	close(fd);
	return -1;
}

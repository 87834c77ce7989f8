/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "common/port_spec.h"

static struct vly_port_spec spec;
static char reason[200];

static void
expect_refused(const char *text, const char *wanted)
{
	cr_expect_eq(vly_port_spec_read(&spec, text, reason, sizeof(reason)), -1, "%s", text);
	cr_expect_str_eq(reason, wanted, "%s: %s", text, reason);
}

Test(port_spec, everything_that_a_port_takes)
{
	cr_assert_eq(vly_port_spec_read(&spec, "af_xdp:eth0,queues=127", reason, 200), 0);
	cr_expect_eq(spec.kind, VLY_PORT_AF_XDP);
	cr_expect_str_eq(spec.target, "eth0");
	cr_expect_str_eq(spec.name, "af_xdp:eth0");
	cr_expect_eq(spec.queue_cnt, 127);
	cr_assert_eq(vly_port_spec_read(&spec, "pcap:a:b,loop,out=c", reason, 200), 0);
	cr_expect_str_eq(spec.file, "a:b");
	cr_expect_str_eq(spec.out, "c");
	cr_expect(spec.loop);
	cr_expect_eq(spec.queue_cnt, 1);
	cr_assert_eq(vly_port_spec_read(&spec, "null", reason, 200), 0);
	cr_expect_eq(spec.kind, VLY_PORT_NULL);
	cr_expect_str_eq(spec.name, "null");
	cr_expect_not(spec.loop);
}

Test(port_spec, refused)
{
	char text[600] = "pcap:";

	expect_refused("eth0", "must be af_xdp:IFACE, pci:ADDRESS, pcap:FILE, af_packet:IFACE, "
			       "tap:NAME, ring or null");
	expect_refused("", "must be af_xdp:IFACE, pci:ADDRESS, pcap:FILE, af_packet:IFACE, "
			   "tap:NAME, ring or null");
	expect_refused("pcap", "pcap needs a name: pcap:FILE");
	expect_refused("tap:,x", "tap needs a name: tap:NAME");
	expect_refused("ring:x", "ring takes no name");
	expect_refused("tap:abcdefghijklmnop", "an interface's name has at most 15 characters");
	expect_refused("pci:0,queues=128", "queues= takes a number from 1 to 127");
	expect_refused("pci:0,queues=", "queues= takes a number from 1 to 127");
	expect_refused("pci:0,loop", "\"loop\" is not an option of pci ports");
	expect_refused("pcap:f,loops", "\"loops\" is not an option of pcap ports");
	expect_refused("pcap:f,out=", "\"out=\" is not an option of pcap ports");
	expect_refused("null,", "\"\" is not an option of null ports");
	memset(text + 5, 'a', 512);
	expect_refused(text, "the name behind pcap: has at most 511 octets");
	memcpy(text + 5, "f,out=", 6);
	memset(text + 11, 'a', 512);
	expect_refused(text, "the path behind out= has at most 511 octets");
}

static void
expect_part(const char *text, const char *part)
{
	cr_expect_eq(vly_port_spec_read(&spec, text, reason, sizeof(reason)), -1, "%s", text);
	cr_expect_not_null(strstr(reason, part), "%s: %s", text, reason);
}

Test(port_spec, bad_interface_to_the_kernel)
{
	expect_part("pci:0,kernel=", "kernel=: it takes a name of 1 to 15 letters");
	expect_part("pci:0,kernel=abcdefghijklmnop", "1 to 15 letters");
	expect_part("pci:0,kernel=a/b", "1 to 15 letters");
	expect_part("pci:0,kernel=..", "1 to 15 letters");
	expect_part("pci:0,address=192.0.2.2", "prefix length");
	expect_part("pci:0,address=192.0.2.2/", "prefix length");
	expect_part("pci:0,address=192.0.2.2/0", "prefix length");
	expect_part("pci:0,address=192.0.2.2/33", "prefix length");
	expect_part("pci:0,address=2001:db8::1/129", "prefix length");
	expect_part("pci:0,address=192.0.2/24", "prefix length");
	expect_part("pci:0,address=192.0.2.2/24x", "prefix length");
	expect_part("pci:0,address=1.1.1.1/8,address=1.1.1.2/8,address=1.1.1.3/8,"
		    "address=1.1.1.4/8,address=1.1.1.5/8,address=1.1.1.6/8,address=1.1.1.7/8,"
		    "address=1.1.1.8/8,address=1.1.1.9/8",
		    "at most 8 addresses");
	expect_refused("pci:0,kernel=off,address=192.0.2.2/24",
		       "address= needs an interface to the kernel: kernel=NAME");
	expect_refused("af_packet:eth0,address=192.0.2.2/24",
		       "address= needs an interface to the kernel: kernel=NAME");
	expect_part("af_xdp:eth0,kernel=volley0", "not an option");
	expect_part("tap:t0,kernel=volley0", "not an option");
}

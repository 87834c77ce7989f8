/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "setup/options.h"

static struct vly_options options;

/* Up to four arguments. */
static enum vly_options_result
parse(const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = {"volley-dataplane", a, b, c, d, NULL};
	int argc = 1;

	while (argv[argc] != NULL)
		argc++;
	return vly_options_parse(&options, argc, (char **)(uintptr_t)argv);
}

static void
expect_bad(const char *a, const char *b, const char *part)
{
	cr_expect_eq(parse(a, b, "--port", "null"), VLY_OPTIONS_BAD, "%s %s", a, b);
	cr_expect_not_null(strstr(options.error, part), "%s %s: %s", a, b, options.error);
}

Test(options, defaults)
{
	cr_assert_eq(parse("--port", "af_xdp:eth0", NULL, NULL), VLY_OPTIONS_RUN);
	cr_expect_eq(options.port_cnt, 1);
	cr_expect_eq(options.port[0].kind, VLY_PORT_AF_XDP);
	cr_expect_str_eq(options.port[0].target, "eth0");
	cr_expect_str_eq(options.port[0].name, "af_xdp:eth0");
	cr_expect_eq(options.port[0].queue_cnt, 1);
	cr_expect_eq(options.cpus.cnt, 0);
	cr_expect_eq(options.addresses.cnt, 0);
	cr_expect_str_eq(options.socket_path, VLY_SOCKET_DEFAULT);
	cr_expect_null(options.xdp_program);
	cr_expect_not(options.spin);
	cr_expect(options.huge_pages);
	cr_expect_eq(options.memory_mib, 0);
	cr_expect_eq(options.udp_payload_max, 1232);
	cr_expect_eq(options.stream.thread_cnt, 1);
	cr_expect_eq(options.stream.connections_max, 10000);
	cr_expect_eq(options.stream.per_client_max, 256);
	cr_expect_eq(options.stream.idle_s, 10);
	cr_expect_eq(options.stream.read_s, 5);
	cr_expect_eq(options.stream.write_s, 10);
	cr_expect_eq(options.stream.memory_mib, 64);
	cr_expect_eq(options.log_level, VLY_LOG_INFO);
}

Test(options, streams)
{
	cr_assert_eq(parse("--port=null", "--stream-threads=0", "--stream-connections=7",
			   "--stream-client=3"),
		     VLY_OPTIONS_RUN);
	cr_expect_eq(options.stream.thread_cnt, 0);
	cr_expect_eq(options.stream.connections_max, 7);
	cr_expect_eq(options.stream.per_client_max, 3);
	cr_assert_eq(parse("--port=null", "--stream-idle=1", "--stream-read=2", "--stream-write=3"),
		     VLY_OPTIONS_RUN);
	cr_expect_eq(options.stream.idle_s, 1);
	cr_expect_eq(options.stream.read_s, 2);
	cr_expect_eq(options.stream.write_s, 3);
	cr_assert_eq(parse("--port=null", "--stream-memory=5", NULL, NULL), VLY_OPTIONS_RUN);
	cr_expect_eq(options.stream.memory_mib, 5);
	cr_expect_eq(options.stream.tls_port, 0);
	cr_assert_eq(parse("--port=null", "--stream-tls-port=853", NULL, NULL), VLY_OPTIONS_RUN);
	cr_expect_eq(options.stream.tls_port, 853);
	expect_bad("--stream-tls-port", "53", "54 to 65535, or 0");
	expect_bad("--stream-threads", "65", "0 to 64");
	expect_bad("--stream-connections", "0", "--stream-connections");
	expect_bad("--stream-memory", "x", "--stream-memory");
}

Test(options, watchdog)
{
	cr_assert_eq(parse("--port=null", "--watchdog-ms=500", "--state-dir=/s", NULL),
		     VLY_OPTIONS_RUN);
	cr_expect_eq(options.watchdog_ms, 500);
	cr_expect_str_eq(options.state_dir, "/s");
	cr_assert_eq(parse("--port=null", "--watchdog-ms=0", NULL, NULL), VLY_OPTIONS_RUN);
	cr_expect_eq(options.watchdog_ms, 0);
	cr_assert_eq(parse("--port=null", "--watchdog-ms=60000", NULL, NULL), VLY_OPTIONS_RUN);
	cr_assert_eq(parse("--port=null", NULL, NULL, NULL), VLY_OPTIONS_RUN);
	cr_expect_eq(options.watchdog_ms, 1000);
	cr_expect_null(options.state_dir);
	expect_bad("--watchdog-ms", "499", "from 500 to 60000 (milliseconds), or 0");
	expect_bad("--watchdog-ms", "60001", "--watchdog-ms");
	expect_bad("--watchdog-ms", "1s", "--watchdog-ms");
}

Test(options, ports)
{
	cr_assert_eq(parse("--port=pci:0000:01:00.0,queues=4", "--port=ring",
			   "--port=pcap:a/b.pcap,loop,out=c.pcap", "--port=tap:t0"),
		     VLY_OPTIONS_RUN);
	cr_expect_eq(options.port_cnt, 4);
	cr_expect_eq(options.port[0].kind, VLY_PORT_PCI);
	cr_expect_str_eq(options.port[0].target, "0000:01:00.0");
	cr_expect_eq(options.port[0].queue_cnt, 4);
	cr_expect_eq(options.port[1].kind, VLY_PORT_RING);
	cr_expect_str_eq(options.port[1].name, "ring");
	cr_expect_str_eq(options.port[2].file, "a/b.pcap");
	cr_expect_str_eq(options.port[2].out, "c.pcap");
	cr_expect(options.port[2].loop);
	cr_expect_eq(options.port[3].kind, VLY_PORT_TAP);
	cr_expect_eq(vly_options_queue_cnt(&options), 7);
}

Test(options, bad_ports)
{
	expect_bad("--port", "eth0", "must be af_xdp:IFACE, pci:");
	expect_bad("--port", "af_xdp", "needs a name");
	expect_bad("--port", "af_xdp:", "needs a name");
	expect_bad("--port", "af_xdp:,queues=1", "needs a name");
	expect_bad("--port", "af_xdp:eth0,queues=0", "queues=");
	expect_bad("--port", "af_xdp:eth0,queues=128", "queues=");
	expect_bad("--port", "af_xdp:eth0,queues=1x", "queues=");
	expect_bad("--port", "af_xdp:eth0,loop", "not an option");
	expect_bad("--port", "af_xdp:eth0,", "not an option");
	expect_bad("--port", "tap:t0,queues=2", "not an option");
	expect_bad("--port", "null:x", "takes no name");
	expect_bad("--port", "pci:0,queues=127", "127 lcores");
}

Test(options, interface_to_the_kernel)
{
	const struct vly_port_spec *port = options.port;

	cr_assert_eq(parse("--port=null", "--port=pci:0000:01:00.0", "--port=af_packet:eth0",
			   "--port=pci:0000:01:00.1,kernel=off"),
		     VLY_OPTIONS_RUN);
	cr_expect_str_eq(port[0].kernel, "");
	cr_expect_str_eq(port[1].kernel, "volley1");
	cr_expect_str_eq(port[2].kernel, "");
	cr_expect_str_eq(port[3].kernel, "");
	cr_assert_eq(parse("--port=af_packet:eth0,kernel=up-link_0.7", NULL, NULL, NULL),
		     VLY_OPTIONS_RUN);
	cr_expect_str_eq(port[0].kernel, "up-link_0.7");
	cr_assert_eq(parse("--port=pci:0,address=192.0.2.2/24,queues=2,kernel=abcdefghijklmno,"
			   "address=2001:db8::2/128",
			   NULL, NULL, NULL),
		     VLY_OPTIONS_RUN);
	cr_expect_str_eq(port[0].kernel, "abcdefghijklmno");
	cr_assert_eq(port[0].address_cnt, 2);
	cr_expect_eq(port[0].address[0].prefix_bits, 24);
	cr_expect_eq(port[0].address[0].address.octet[15], 2);
	cr_expect_eq(port[0].address[1].prefix_bits, 128);
	cr_expect_eq(port[0].address[1].address.octet[0], 0x20);
}

Test(options, cpus)
{
	static const uint16_t expected[] = {1, 2, 3, 5};

	cr_assert_eq(parse("--cpus", "1-3,5", "--port", "null"), VLY_OPTIONS_RUN);
	cr_expect_eq(options.cpus.cnt, 4);
	cr_expect_arr_eq(options.cpus.cpu, expected, sizeof(expected));
	expect_bad("--cpus", "", "must be a list");
	expect_bad("--cpus", "1,", "must be a list");
	expect_bad("--cpus", "3-1", "must be a list");
	expect_bad("--cpus", "1 2", "must be a list");
	expect_bad("--cpus", "1024", "must be a list");
	cr_expect_eq(parse("--cpus", "1", "--port", "pci:0,queues=2"), VLY_OPTIONS_BAD);
	cr_expect_str_eq(options.error, "--cpus: 1 CPUs for 2 queues");
}

Test(options, values)
{
	cr_assert_eq(
		parse("--idle=spin", "--huge-pages=off", "--udp-payload-max=4096", "--port=null"),
		VLY_OPTIONS_RUN);
	cr_expect(options.spin);
	cr_expect_not(options.huge_pages);
	cr_expect_eq(options.udp_payload_max, 4096);
	expect_bad("--idle", "doze", "must be sleep or spin");
	expect_bad("--huge-pages", "on", "must be auto or off");
	expect_bad("--udp-payload-max", "511", "from 512 to 4096");
	expect_bad("--udp-payload-max", "4097", "from 512 to 4096");
	expect_bad("--memory", "-1", "a number from 1 to");
	expect_bad("--memory", "99999999999999999999", "a number from 1 to");
	expect_bad("--log-level", "loud", "must be error, warning, info or debug");
	expect_bad("--listen", "192.0.2.256", "is not an IPv4 or IPv6");
}

Test(options, whole_line)
{
	cr_expect_eq(parse("--help", NULL, NULL, NULL), VLY_OPTIONS_HELP);
	cr_expect_eq(parse("--version", NULL, NULL, NULL), VLY_OPTIONS_VERSION);
	cr_expect_eq(parse(NULL, NULL, NULL, NULL), VLY_OPTIONS_BAD);
	cr_expect_not_null(strstr(options.error, "no port"));
	cr_expect_eq(parse("--ports", "null", NULL, NULL), VLY_OPTIONS_BAD);
	cr_expect_str_eq(options.error, "\"--ports\": no such option");
	cr_expect_eq(parse("--port", NULL, NULL, NULL), VLY_OPTIONS_BAD);
	cr_expect_str_eq(options.error, "\"--port\": needs a value");
	cr_expect_eq(parse("--port", "null", "extra", NULL), VLY_OPTIONS_BAD);
	cr_expect_not_null(strstr(options.error, "\"extra\""));
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options of volley-dataplane, and the keys of the section `dataplane` in volley.yaml, which
 * become these options. They stand here and nowhere else: both programs judge a value by this
 * table (common/dp_option.h), and the command line, --help, the configuration's schema and defaults
 * and the arguments of `volleyctl exec dataplane` are made of it.
 *
 * To add an option: add a row; store its value in dataplane/setup/options.c; show the key with its
 * default in config/volley.yaml (a test compares the two).
 */
#ifndef VOLLEY_DATAPLANE_OPTIONS_H
#define VOLLEY_DATAPLANE_OPTIONS_H

#include <volley/dns.h>

/* DPDK's limit on ports in one process is 32. */
#define VLY_PORTS_MAX 32
/* DPDK's limit is 128 lcores, one of which is the main thread. */
#define VLY_LCORES_MAX 127

/* As many CPUs as sched_getaffinity(2) knows in its fixed-size form. */
#define VLY_CPU_ID_MAX 1023

/* More than any machine's share of TCP; each has buffers and sockets of its own. */
#define VLY_STREAM_THREADS_MAX 64

/* The ports below are other services', 53 is ours already. */
#define VLY_TLS_PORT_MIN 54

/* An idle lcore comes back every 50 ms, a stream thread every 100 ms. Below this, a busy machine
 * would look like a fault. */
#define VLY_WATCHDOG_MS_MIN 500
#define VLY_WATCHDOG_MS_MAX 60000

/* The NSID option must leave room in a response of 512 octets. */
#define VLY_NSID_BYTES_MAX 128

/* One character string of a TXT record (RFC 1035 §3.3.14). */
#define VLY_CHAOS_BYTES_MAX 255

/* What a UDP response may be at the most. Fragments of anything longer than an Ethernet frame get
 * lost (RFC 9715), so the default stays below every usual path MTU. */
#define VLY_UDP_PAYLOAD_MAX 4096

/* utmp has no room for more. */
#define VLY_USER_BYTES_MAX      32
#define VLY_SOCKET_USER_DEFAULT "volley"

#define VLY_SOCKET_DEFAULT "/run/volley/dataplane.sock"

/*
 * The rows: id, option, key (NULL: none), kind, argument, smallest and largest number, unit,
 * default (NULL: none), help. For kind WORD, the argument lists the words; for TEXT, the largest
 * number is that of octets. --help shows range and default behind the help.
 *
 *   LISTS     may be given several times, and are lists in volley.yaml
 *   SETTINGS  one value each
 *   SWITCHES  not in the section `dataplane`: state-dir has its key in `control`, the others none
 */
#define VLY_DATAPLANE_LISTS(X)                                                                     \
	X(port, "port", "ports", PORT, "SPEC", 0, 0, "", NULL,                                     \
	  "Take queries from this port. The option can be given several times.")                   \
	X(listen, "listen", "listen", ADDRESS, "ADDRESS", 0, 0, "", NULL,                          \
	  "Answer on this IPv4 or IPv6 address. The option can be given several times. Without "   \
	  "it, the program answers on every address.")

/*
 * Reasons for the defaults:
 *   stream-threads      one thread carries 250,000 pipelined queries a second, far more than comes
 *                       over TCP where UDP works
 *   stream-connections  10,000 are what other servers see at busy sites, and cost little
 *   stream-client       256 let a carrier's NAT through, and it takes forty such clients to fill
 *                       the rest
 *   stream-idle         RFC 7766's "order of seconds" (§6.2.3)
 *   stream-read         a message is one packet or two: seconds are ample on any path
 *   stream-write        gives 96 KiB to a client of 80 kbit/s
 *   stream-memory       only clients in the middle of something need buffers: 64 MiB are a
 *                       thousand long messages at once
 *   stream-tls-port     without a certificate, nobody can be served there
 *   watchdog-ms         resolvers give a server up after seconds, and no burst takes a hundredth of
 *                       this
 */
#define VLY_DATAPLANE_SETTINGS(X)                                                                  \
	X(cpus, "cpus", "cpus", CPUS, "LIST", 0, VLY_CPU_ID_MAX, "", NULL,                         \
	  "Run the lcores on these CPUs, such as 1-3,5: one for each queue, in the order of the "  \
	  "ports. Without this option, they run on the last CPUs that the program may use.")       \
	X(socket, "socket", "socket", SOCKET, "PATH", 0, 0, "", VLY_SOCKET_DEFAULT,                \
	  "Listen on this socket for volley-control.")                                             \
	X(socket_user, "socket-user", "socket-user", TEXT, "NAME", 0, VLY_USER_BYTES_MAX, "",      \
	  VLY_SOCKET_USER_DEFAULT,                                                                 \
	  "Let volley-control connect when it runs as this user, if there is such a user, or as "  \
	  "root.")                                                                                 \
	X(xdp_program, "xdp-program", "xdp-program", PATH, "FILE", 0, 0, "", NULL,                 \
	  "Load this XDP program for af_xdp ports instead of the installed one.")                  \
	X(idle, "idle", "idle", WORD, "sleep|spin", 0, 0, "", "sleep",                             \
	  "Choose what an lcore without queries does: sleep, or spin for the lowest latency.")     \
	X(memory, "memory", "memory", NUMBER, "MIB", 1, 1 << 20, "MiB", NULL,                      \
	  "Use this much packet memory. Without this option, the number of queues decides.")       \
	X(huge_pages, "huge-pages", "huge-pages", WORD, "auto|off", 0, 0, "", "auto",              \
	  "Use huge pages when enough of them are free, or never.")                                \
	X(udp_payload_max, "udp-payload-max", "udp-payload-max", NUMBER, "OCTETS",                 \
	  VLY_UDP_BYTES_MIN, VLY_UDP_PAYLOAD_MAX, "octets", "1232",                                \
	  "Send no UDP response that is larger than this.")                                        \
	X(nsid, "nsid", "nsid", NSID, "TEXT|0xHEX", 0, VLY_NSID_BYTES_MAX, "", NULL,               \
	  "Answer the NSID option with this text, or with these octets. Without this option, "     \
	  "NSID is not answered.")                                                                 \
	X(id_server, "id-server", "id-server", TEXT, "TEXT", 0, VLY_CHAOS_BYTES_MAX, "", NULL,     \
	  "Answer id.server and hostname.bind in class CH with this text. Without this option, "   \
	  "they are refused.")                                                                     \
	X(version_server, "version-server", "version-server", TEXT, "TEXT", 0,                     \
	  VLY_CHAOS_BYTES_MAX, "", NULL,                                                           \
	  "Answer version.server and version.bind in class CH with this text. Without this "       \
	  "option, they are refused.")                                                             \
	X(rrset_order, "rrset-order", "rrset-order", WORD, "fixed|rotate", 0, 0, "", "fixed",      \
	  "Send A and AAAA records in the order of the zone file, or begin with any of them.")     \
	X(stream_threads, "stream-threads", "stream-threads", NUMBER, "NUMBER", 0,                 \
	  VLY_STREAM_THREADS_MAX, "", "1",                                                         \
	  "Run this many threads for TCP, and for UDP that the ports leave to the kernel.")        \
	X(stream_connections, "stream-connections", "stream-connections", NUMBER, "NUMBER", 1,     \
	  1000000, "", "10000",                                                                    \
	  "Hold at most this many connections. One more closes the one that has been idle for "    \
	  "the longest time.")                                                                     \
	X(stream_client, "stream-client", "stream-client", NUMBER, "NUMBER", 1, 1000000, "",       \
	  "256",                                                                                   \
	  "Hold at most this many connections of one client, which is an IPv4 address or an "      \
	  "IPv6 /56.")                                                                             \
	X(stream_idle, "stream-idle", "stream-idle", NUMBER, "SECONDS", 1, 3600, "seconds", "10",  \
	  "Close a connection that has been idle for this time.")                                  \
	X(stream_read, "stream-read", "stream-read", NUMBER, "SECONDS", 1, 3600, "seconds", "5",   \
	  "Close a connection when a message takes longer than this to arrive.")                   \
	X(stream_write, "stream-write", "stream-write", NUMBER, "SECONDS", 1, 3600, "seconds",     \
	  "10", "Close a connection when the client takes longer than this to read a response.")   \
	X(stream_memory, "stream-memory", "stream-memory", NUMBER, "MIB", 1, 1 << 20, "MiB", "64", \
	  "Use at most this much memory for the buffers of all connections.")                      \
	X(stream_tls_port, "stream-tls-port", "stream-tls-port", ZERO_OR_NUMBER, "PORT",           \
	  VLY_TLS_PORT_MIN, 65535, "", "0",                                                        \
	  "Listen on this TCP port for zone transfers over TLS, and leave its connections to "     \
	  "volley-control. 853 is usual; 0 turns it off.")                                         \
	X(watchdog_ms, "watchdog-ms", "watchdog-ms", ZERO_OR_NUMBER, "MS", VLY_WATCHDOG_MS_MIN,    \
	  VLY_WATCHDOG_MS_MAX, "milliseconds", "1000",                                             \
	  "End the program when an lcore or a stream thread hangs for this time. 0 turns the "     \
	  "watchdog off.")                                                                         \
	X(log_level, "log-level", "log-level", WORD, "error|warning|info|debug", 0, 0, "", "info", \
	  "Log messages of this severity and above.")

#define VLY_DATAPLANE_SWITCHES(X)                                                                  \
	X(state_dir, "state-dir", NULL, PATH, "DIR", 0, 0, "", NULL,                               \
	  "When the watchdog ends the program, keep the packets of the thread that hung in "       \
	  "stuck/ of this directory.")                                                             \
	X(retry, "retry", NULL, SWITCH, "", 0, 0, "", NULL,                                        \
	  "Repeat a start that fails until it succeeds.")                                          \
	X(help, "help", NULL, SWITCH, "", 0, 0, "", NULL, "Show this help and exit.")              \
	X(version, "version", NULL, SWITCH, "", 0, 0, "", NULL, "Show the version and exit.")

#define VLY_DATAPLANE_OPTIONS(X)                                                                   \
	VLY_DATAPLANE_LISTS(X)                                                                     \
	VLY_DATAPLANE_SETTINGS(X)                                                                  \
	VLY_DATAPLANE_SWITCHES(X)

enum vly_dp_option {
#define X(id, ...) VLY_DP_##id,
	VLY_DATAPLANE_OPTIONS(X)
#undef X
		VLY_DP_OPTION_CNT
};

/* The kinds of ports: id, name, kind of target, argument, options behind it, help. */
#define VLY_PORT_KINDS(X)                                                                          \
	X(AF_XDP, "af_xdp", INTERFACE, "IFACE", "[,queues=N]", "a NIC, by Volley's XDP program")   \
	X(PCI, "pci", DEVICE, "ADDRESS", "[,queues=N][,kernel=NAME|off][,address=ADDR/LEN]",       \
	  "a NIC bound to vfio-pci")                                                               \
	X(PCAP, "pcap", FILE, "FILE", "[,loop][,out=FILE][,kernel=NAME][,address=ADDR/LEN]",       \
	  "a capture file, for benchmarks")                                                        \
	X(AF_PACKET, "af_packet", INTERFACE, "IFACE",                                              \
	  "[,queues=N][,kernel=NAME][,address=ADDR/LEN]", "packet sockets, for tests")             \
	X(TAP, "tap", INTERFACE, "NAME", "", "a tap interface, for tests")                         \
	X(RING, "ring", NOTHING, "", "", "a ring in memory, for tests")                            \
	X(NULL, "null", NOTHING, "", "", "no queries at all, for tests")

enum vly_port_kind {
#define X(id, ...) VLY_PORT_##id,
	VLY_PORT_KINDS(X)
#undef X
		VLY_PORT_KIND_CNT
};

#endif

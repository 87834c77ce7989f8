/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DNS numbers: wire layout, codes and limits (RFC 1035, RFC 6891). */
#ifndef VLY_DNS_H
#define VLY_DNS_H

#define VLY_DNS_HEADER_BYTES 12
#define VLY_DNS_PORT         53

/* Octets of a name in wire form, the root label included (RFC 1035 §3.1). */
#define VLY_NAME_BYTES_MAX 255
/* Labels of a name without the root label: 127 labels of one octet. */
#define VLY_NAME_LABELS_MAX 127
#define VLY_LABEL_BYTES_MAX 63

/* UDP payload of a requester without EDNS (RFC 1035 §4.2.1). */
#define VLY_UDP_BYTES_MIN     512
#define VLY_MESSAGE_BYTES_MAX 65535

/* A compression pointer reaches the first 16 KiB of a message (RFC 1035 §4.1.4). */
#define VLY_POINTER_MAX 0x3fff
#define VLY_POINTER_TAG 0xc000

/* An OPT record without options: root owner, type, class, TTL, RDLENGTH. */
#define VLY_OPT_BYTES 11

/* The flags of the header as a big-endian number (RFC 1035 §4.1.1, RFC 4035 §3). */
enum {
	VLY_FLAG_QR = 0x8000,
	VLY_FLAG_OPCODE = 0x7800,
	VLY_FLAG_AA = 0x0400,
	VLY_FLAG_TC = 0x0200,
	VLY_FLAG_RD = 0x0100,
	VLY_FLAG_RA = 0x0080,
	VLY_FLAG_AD = 0x0020,
	VLY_FLAG_CD = 0x0010,
	VLY_FLAG_RCODE = 0x000f,
};

/* EDNS options (RFC 6891 §6.1.2): code and length, then the content. */
#define VLY_OPTION_HEAD_BYTES 4

enum vly_option {
	VLY_OPTION_NSID = 3,       /* RFC 5001 */
	VLY_OPTION_SUBNET = 8,     /* client subnet, RFC 7871 */
	VLY_OPTION_COOKIE = 10,    /* RFC 7873 */
	VLY_OPTION_KEEPALIVE = 11, /* RFC 7828 */
	VLY_OPTION_EDE = 15,       /* RFC 8914 */
	VLY_OPTION_VERSION = 19,   /* ZONEVERSION, RFC 9660 */
};

enum vly_opcode {
	VLY_OPCODE_QUERY = 0,
	VLY_OPCODE_NOTIFY = 4,
	VLY_OPCODE_UPDATE = 5,
};

enum vly_rcode {
	VLY_RCODE_NOERROR = 0,
	VLY_RCODE_FORMERR = 1,
	VLY_RCODE_SERVFAIL = 2,
	VLY_RCODE_NXDOMAIN = 3,
	VLY_RCODE_NOTIMP = 4,
	VLY_RCODE_REFUSED = 5,
	VLY_RCODE_YXDOMAIN = 6,
	VLY_RCODE_YXRRSET = 7, /* RFC 2136 §2.2 */
	VLY_RCODE_NXRRSET = 8,
	VLY_RCODE_NOTAUTH = 9,  /* RFC 8945 §5.2.1: signed with an unknown key */
	VLY_RCODE_NOTZONE = 10, /* RFC 2136 §2.2 */
	VLY_RCODE_BADVERS = 16, /* extended: upper eight bits travel in the OPT (RFC 6891 §6.1.3) */
	VLY_RCODE_BADCOOKIE = 23, /* RFC 7873 §8 */
};

enum vly_class {
	VLY_CLASS_IN = 1,
	VLY_CLASS_CH = 3,
	VLY_CLASS_ANY = 255,
};

enum vly_type {
	VLY_TYPE_A = 1,
	VLY_TYPE_NS = 2,
	VLY_TYPE_MD = 3,
	VLY_TYPE_MF = 4,
	VLY_TYPE_CNAME = 5,
	VLY_TYPE_SOA = 6,
	VLY_TYPE_MB = 7,
	VLY_TYPE_MG = 8,
	VLY_TYPE_MR = 9,
	VLY_TYPE_WKS = 11,
	VLY_TYPE_PTR = 12,
	VLY_TYPE_HINFO = 13,
	VLY_TYPE_MINFO = 14,
	VLY_TYPE_MX = 15,
	VLY_TYPE_TXT = 16,
	VLY_TYPE_RP = 17,
	VLY_TYPE_AFSDB = 18,
	VLY_TYPE_RT = 21,
	VLY_TYPE_SIG = 24,
	VLY_TYPE_KEY = 25,
	VLY_TYPE_PX = 26,
	VLY_TYPE_AAAA = 28,
	VLY_TYPE_LOC = 29,
	VLY_TYPE_NXT = 30,
	VLY_TYPE_SRV = 33,
	VLY_TYPE_NAPTR = 35,
	VLY_TYPE_KX = 36,
	VLY_TYPE_CERT = 37,
	VLY_TYPE_A6 = 38,
	VLY_TYPE_DNAME = 39,
	VLY_TYPE_OPT = 41,
	VLY_TYPE_DS = 43,
	VLY_TYPE_SSHFP = 44,
	VLY_TYPE_IPSECKEY = 45,
	VLY_TYPE_RRSIG = 46,
	VLY_TYPE_NSEC = 47,
	VLY_TYPE_DNSKEY = 48,
	VLY_TYPE_DHCID = 49,
	VLY_TYPE_NSEC3 = 50,
	VLY_TYPE_NSEC3PARAM = 51,
	VLY_TYPE_TLSA = 52,
	VLY_TYPE_SMIMEA = 53,
	VLY_TYPE_CDS = 59,
	VLY_TYPE_CDNSKEY = 60,
	VLY_TYPE_OPENPGPKEY = 61,
	VLY_TYPE_CSYNC = 62,
	VLY_TYPE_ZONEMD = 63,
	VLY_TYPE_SVCB = 64,
	VLY_TYPE_HTTPS = 65,
	VLY_TYPE_SPF = 99,
	/* 128 to 255: question and meta types, never in a zone (RFC 6895 §3.1). */
	VLY_TYPE_META_FIRST = 128,
	/* ALIAS as zones in the control process have it. No zone may have records of this number, so that
	 * it is never mistaken for data that a primary sends under ALIAS's number in zone files. It is in
	 * no image and in no message. */
	VLY_TYPE_ALIAS = 240,
	VLY_TYPE_TKEY = 249,
	VLY_TYPE_TSIG = 250,
	VLY_TYPE_IXFR = 251,
	VLY_TYPE_AXFR = 252,
	VLY_TYPE_MAILB = 253,
	VLY_TYPE_MAILA = 254,
	VLY_TYPE_ANY = 255,
	VLY_TYPE_URI = 256,
	VLY_TYPE_CAA = 257,
	VLY_TYPE_DLV = 32769,
	VLY_TYPE_ALIAS_TEXT = 65401, /* ALIAS in zone files: the number that PowerDNS uses */
};

/* The error in a TSIG record (RFC 8945 §3). */
#define VLY_TSIG_BADKEY 17

/* INFO-CODEs of Extended DNS Errors (RFC 8914 §5.2). */
enum vly_ede {
	VLY_EDE_NONE = 0, /* Other Error in RFC 8914; here: no EDE option */
	VLY_EDE_NOT_READY = 14,
	VLY_EDE_NOT_AUTHORITATIVE = 20,
	VLY_EDE_NOT_SUPPORTED = 21,
	VLY_EDE_INVALID_DATA = 24,
};

#endif

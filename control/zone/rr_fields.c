/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rr_fields.h"

#include <string.h>
#include <strings.h>

struct form {
	uint16_t type;
	struct vly_rr_field field[VLY_RR_FIELDS_MAX];
};

#define F(kind, name)                                                                              \
	{                                                                                          \
		VLY_FIELD_##kind, name                                                             \
	}
#define KEY                                                                                        \
	{                                                                                          \
		F(KEY_FLAGS, "flags"), F(PROTOCOL, "protocol"), F(ALGORITHM, "algorithm"),         \
			F(BASE64, "key")                                                           \
	}
#define SIGNATURE                                                                                  \
	{                                                                                          \
		F(TYPE, "type covered"), F(ALGORITHM, "algorithm"), F(U8, "number of labels"),     \
			F(PERIOD, "original TTL"), F(TIME, "expiration"), F(TIME, "inception"),    \
			F(U16, "key tag"), F(NAME, "signer's name"), F(BASE64, "signature")        \
	}
#define DIGEST                                                                                     \
	{                                                                                          \
		F(U16, "key tag"), F(ALGORITHM, "algorithm"), F(DIGEST_TYPE, "digest type"),       \
			F(HEX, "digest")                                                           \
	}
#define CERTIFICATE                                                                                \
	{                                                                                          \
		F(U8, "usage"), F(U8, "selector"), F(U8, "matching type"),                         \
			F(HEX, "certificate data")                                                 \
	}
#define STRINGS                                                                                    \
	{                                                                                          \
		F(STRINGS, "text")                                                                 \
	}
#define PREFERENCE(name)                                                                           \
	{                                                                                          \
		F(U16, "preference"), F(NAME, name)                                                \
	}
#define SERVICE                                                                                    \
	{                                                                                          \
		F(U16, "priority"), F(NAME, "target"), F(SVC_PARAMS, "parameter")                  \
	}

/* In the order of the types. */
static const struct form forms[] = {
	{1, {F(IPV4, "address")}},
	{2, {F(NAME, "name server")}},
	{3, {F(NAME, "mail agent")}},
	{4, {F(NAME, "mail agent")}},
	{5, {F(NAME, "canonical name")}},
	{6,
	 {F(NAME, "primary server"), F(NAME, "mailbox"), F(U32, "serial"), F(PERIOD, "refresh"),
	  F(PERIOD, "retry"), F(PERIOD, "expire"), F(PERIOD, "minimum")}},
	{7, {F(NAME, "mail host")}},
	{8, {F(NAME, "mailbox")}},
	{9, {F(NAME, "new mailbox")}},
	{11, {F(IPV4, "address"), F(WKS, "protocol")}},
	{12, {F(NAME, "target")}},
	{13, {F(STRING, "CPU"), F(STRING, "operating system")}},
	{14, {F(NAME, "responsible mailbox"), F(NAME, "error mailbox")}},
	{15, PREFERENCE("mail exchange")},
	{16, STRINGS},
	{17, {F(NAME, "mailbox"), F(NAME, "name of the text")}},
	{18, {F(U16, "subtype"), F(NAME, "host")}},
	{19, {F(DIGITS, "PSDN address")}},
	{20, {F(STRING, "ISDN address"), F(STRING_MAY, "subaddress")}},
	{21, PREFERENCE("intermediate host")},
	{22, {F(NSAP, "NSAP address")}},
	{23, {F(NAME, "target")}},
	{24, SIGNATURE},
	{25,
	 {F(KEY_FLAGS, "flags"), F(PROTOCOL, "protocol"), F(ALGORITHM, "algorithm"),
	  F(BASE64_MAY, "key")}},
	{26, {F(U16, "preference"), F(NAME, "RFC 822 domain"), F(NAME, "X.400 domain")}},
	{27, {F(STRING, "longitude"), F(STRING, "latitude"), F(STRING, "altitude")}},
	{28, {F(IPV6, "address")}},
	{29, {F(LOC, "location")}},
	{30, {F(NAME, "next name"), F(NXT_BITMAP, "type list")}},
	{31, {F(HEX, "endpoint identifier")}},
	{32, {F(HEX, "locator")}},
	{33, {F(U16, "priority"), F(U16, "weight"), F(U16, "port"), F(NAME, "target")}},
	{34, {F(ATMA, "ATM address")}},
	{35,
	 {F(U16, "order"), F(U16, "preference"), F(STRING, "flags"), F(STRING, "service"),
	  F(STRING, "regular expression"), F(NAME, "replacement")}},
	{36, PREFERENCE("exchanger")},
	{37,
	 {F(CERT_TYPE, "certificate type"), F(U16, "key tag"), F(ALGORITHM, "algorithm"),
	  F(BASE64, "certificate")}},
	{38, {F(A6, "prefix length")}},
	{39, {F(NAME, "target")}},
	{40, {F(U8, "meaning"), F(U8, "coding"), F(U8, "subcoding"), F(BASE64_MAY, "data")}},
	{42, {F(APL, "prefix")}},
	{43, DIGEST},
	{44, {F(U8, "algorithm"), F(U8, "fingerprint type"), F(HEX, "fingerprint")}},
	{45, {F(U8, "precedence"), F(GATEWAY, "gateway"), F(BASE64_MAY, "key")}},
	{46, SIGNATURE},
	{47, {F(NAME, "next name"), F(BITMAP, "type list")}},
	{48, KEY},
	{49, {F(BASE64, "identifier")}},
	{50,
	 {F(HASH_ALGORITHM, "hash algorithm"), F(U8, "flags"), F(U16, "iterations"),
	  F(SALT, "salt"), F(HASH, "next hash"), F(BITMAP, "type list")}},
	{51,
	 {F(HASH_ALGORITHM, "hash algorithm"), F(U8, "flags"), F(U16, "iterations"),
	  F(SALT, "salt")}},
	{52, CERTIFICATE},
	{53, CERTIFICATE},
	{55, {F(HIP, "key algorithm")}},
	{56, STRINGS},
	{57, {F(U16, "flags"), F(U8, "protocol"), F(ALGORITHM, "algorithm"), F(BASE64, "key")}},
	{58, {F(NAME, "previous name"), F(NAME, "next name")}},
	{59, DIGEST},
	{60, KEY},
	{61, {F(BASE64, "key")}},
	{62, {F(U32, "serial"), F(U16, "flags"), F(BITMAP, "type list")}},
	{63, {F(U32, "serial"), F(U8, "scheme"), F(U8, "hash algorithm"), F(HEX, "digest")}},
	{64, SERVICE},
	{65, SERVICE},
	{66, {F(TYPE, "type"), F(SCHEME, "scheme"), F(U16, "port"), F(NAME, "target")}},
	{67, {F(BASE64, "data")}},
	{68, {F(BASE64, "data")}},
	{99, STRINGS},
	{104, {F(U16, "preference"), F(LOCATOR64, "node identifier")}},
	{105, {F(U16, "preference"), F(IPV4, "locator")}},
	{106, {F(U16, "preference"), F(LOCATOR64, "locator")}},
	{107, PREFERENCE("name")},
	{108, {F(EUI48, "address")}},
	{109, {F(EUI64, "address")}},
	{240, {F(NAME, "target")}},
	{256, {F(U16, "priority"), F(U16, "weight"), F(TEXT, "target")}},
	{257, {F(U8, "flags"), F(TAG, "tag"), F(TEXT, "value")}},
	{258, STRINGS},
	{259,
	 {F(U32, "enterprise"), F(U32, "DOA type"), F(U8, "location"), F(STRING, "media type"),
	  F(BASE64_DASH, "data")}},
	{260, {F(U8, "precedence"), F(RELAY, "relay")}},
	{261, STRINGS},
	{262, STRINGS},
	{263, STRINGS},
	{264, {F(U64, "node number")}},
	{32768, DIGEST},
	{32769, DIGEST},
	{65401, {F(NAME, "target")}},
};

const struct vly_rr_field *
vly_rr_fields(uint16_t type)
{
	size_t low = 0;
	size_t high = sizeof(forms) / sizeof(forms[0]);

	while (low < high) { /* at most seven times */
		size_t middle = (low + high) / 2;
		if (forms[middle].type == type)
			return forms[middle].field;
		if (forms[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The registries "DNS Security Algorithm Numbers", "Digest Algorithms" of DS, "DNSSEC NSEC3 Hash
 * Algorithms", "Protocol Values" of RFC 2535 §3.1.3, "DSYNC: Location of Synchronization Endpoints"
 * and "CERT Certificate Types"; and the flags of RFC 2535 §3.1.2, RFC 3757 and RFC 5011 under
 * BIND's names. */
static const struct {
	uint8_t kind;
	uint16_t number;
	const char *name;
} mnemonics[] = {
	{VLY_FIELD_ALGORITHM, 0, "DELETE"},
	{VLY_FIELD_ALGORITHM, 1, "RSAMD5"},
	{VLY_FIELD_ALGORITHM, 2, "DH"},
	{VLY_FIELD_ALGORITHM, 3, "DSA"},
	{VLY_FIELD_ALGORITHM, 4, "ECC"},
	{VLY_FIELD_ALGORITHM, 5, "RSASHA1"},
	{VLY_FIELD_ALGORITHM, 6, "DSA-NSEC3-SHA1"},
	{VLY_FIELD_ALGORITHM, 6, "NSEC3DSA"},
	{VLY_FIELD_ALGORITHM, 7, "RSASHA1-NSEC3-SHA1"},
	{VLY_FIELD_ALGORITHM, 7, "NSEC3RSASHA1"},
	{VLY_FIELD_ALGORITHM, 8, "RSASHA256"},
	{VLY_FIELD_ALGORITHM, 10, "RSASHA512"},
	{VLY_FIELD_ALGORITHM, 12, "ECC-GOST"},
	{VLY_FIELD_ALGORITHM, 12, "ECCGOST"},
	{VLY_FIELD_ALGORITHM, 13, "ECDSAP256SHA256"},
	{VLY_FIELD_ALGORITHM, 13, "ECDSA256"},
	{VLY_FIELD_ALGORITHM, 14, "ECDSAP384SHA384"},
	{VLY_FIELD_ALGORITHM, 14, "ECDSA384"},
	{VLY_FIELD_ALGORITHM, 15, "ED25519"},
	{VLY_FIELD_ALGORITHM, 16, "ED448"},
	{VLY_FIELD_ALGORITHM, 17, "SM2SM3"},
	{VLY_FIELD_ALGORITHM, 23, "ECC-GOST12"},
	{VLY_FIELD_ALGORITHM, 252, "INDIRECT"},
	{VLY_FIELD_ALGORITHM, 253, "PRIVATEDNS"},
	{VLY_FIELD_ALGORITHM, 254, "PRIVATEOID"},
	{VLY_FIELD_DIGEST_TYPE, 1, "SHA-1"},
	{VLY_FIELD_DIGEST_TYPE, 1, "SHA1"},
	{VLY_FIELD_DIGEST_TYPE, 2, "SHA-256"},
	{VLY_FIELD_DIGEST_TYPE, 2, "SHA256"},
	{VLY_FIELD_DIGEST_TYPE, 3, "GOST"},
	{VLY_FIELD_DIGEST_TYPE, 4, "SHA-384"},
	{VLY_FIELD_DIGEST_TYPE, 4, "SHA384"},
	{VLY_FIELD_HASH_ALGORITHM, 1, "SHA-1"},
	{VLY_FIELD_HASH_ALGORITHM, 1, "SHA1"},
	{VLY_FIELD_PROTOCOL, 0, "NONE"},
	{VLY_FIELD_PROTOCOL, 1, "TLS"},
	{VLY_FIELD_PROTOCOL, 2, "EMAIL"},
	{VLY_FIELD_PROTOCOL, 3, "DNSSEC"},
	{VLY_FIELD_PROTOCOL, 4, "IPSEC"},
	{VLY_FIELD_PROTOCOL, 255, "ALL"},
	{VLY_FIELD_SCHEME, 1, "NOTIFY"},
	{VLY_FIELD_CERT_TYPE, 1, "PKIX"},
	{VLY_FIELD_CERT_TYPE, 2, "SPKI"},
	{VLY_FIELD_CERT_TYPE, 3, "PGP"},
	{VLY_FIELD_CERT_TYPE, 4, "IPKIX"},
	{VLY_FIELD_CERT_TYPE, 5, "ISPKI"},
	{VLY_FIELD_CERT_TYPE, 6, "IPGP"},
	{VLY_FIELD_CERT_TYPE, 7, "ACPKIX"},
	{VLY_FIELD_CERT_TYPE, 8, "IACPKIX"},
	{VLY_FIELD_CERT_TYPE, 253, "URI"},
	{VLY_FIELD_CERT_TYPE, 254, "OID"},
	{VLY_FIELD_KEY_FLAGS, 0x0001, "KSK"},
	{VLY_FIELD_KEY_FLAGS, 0x0080, "REVOKE"},
	{VLY_FIELD_KEY_FLAGS, 0x0100, "ZONE"},
	{VLY_FIELD_KEY_FLAGS, 0x0200, "HOST"},
	{VLY_FIELD_KEY_FLAGS, 0x0300, "NTYP3"},
	{VLY_FIELD_KEY_FLAGS, 0x0000, "USER"},
	{VLY_FIELD_KEY_FLAGS, 0x1000, "EXTEND"},
	{VLY_FIELD_KEY_FLAGS, 0x4000, "NOCONF"},
	{VLY_FIELD_KEY_FLAGS, 0x8000, "NOAUTH"},
	{VLY_FIELD_KEY_FLAGS, 0xc000, "NOKEY"},
};

int
vly_field_mnemonic(uint8_t kind, const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(mnemonics) / sizeof(mnemonics[0]); i++)
		if (mnemonics[i].kind == kind && strlen(mnemonics[i].name) == len &&
		    strncasecmp(mnemonics[i].name, text, len) == 0)
			return mnemonics[i].number;
	return -1;
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Random RDATA of every type: a field is a function of the dice that returns its octets and its words, spelled in one
of the ways that its RFC and BIND's manual allow.
"""
import base64
import ipaddress
import struct

import zone_wire
from zone_kinds import bitmap
from zone_wire import TYPES

ORIGIN_TEXT = b"example."
ORIGIN = b"\7example\0"
NAME_OCTETS = b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_"
# Octets that need a backslash in words, in quotes, and in names.
IN_WORDS, IN_QUOTES = b' \t\r\n\f()";\\', b'\r\n"\\'
UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
ALGORITHMS = {5: b"RSASHA1", 8: b"RSASHA256", 10: b"RSASHA512"}  # whose keys and signatures have any length
CERTIFICATES = {1: b"PKIX", 2: b"SPKI", 3: b"PGP", 4: b"IPKIX", 5: b"ISPKI", 6: b"IPGP", 253: b"URI", 254: b"OID"}
KEY_NAMES = {1: b"alpn", 2: b"no-default-alpn", 3: b"port", 4: b"ipv4hint", 5: b"ech", 6: b"ipv6hint", 7: b"dohpath"}
DIGESTS = {1: 20, 2: 32, 4: 48}


# ---- words

def escape(dice, octet, special):
    """An octet as it may stand in text."""
    raw = bytes([octet])
    if octet in special:
        ways = [b"\\%03d" % octet] + ([b"\\" + raw] if octet not in b"\r\n\0" else [])
    else:
        ways = [raw] * 8 + [b"\\%03d" % octet] + ([b"\\" + raw] if octet not in b"0123456789\0" else [])
    return dice.choice(ways if octet else ways[-1:])


def octets(dice, most, least=0):
    """Random octets, most of them letters."""
    return bytes(dice.choice(NAME_OCTETS) if dice.random() < 0.8 else dice.randrange(256)
                 for _ in range(dice.randint(least, most)))


def quote(dice, value):
    """A character-string as a word, quoted or not."""
    if value and dice.random() < 0.5:
        word = b"".join(escape(dice, octet, IN_WORDS) for octet in value)
        return b'"#"' if word == b"\\#" else word  # that begins data in generic form
    return b'"' + b"".join(escape(dice, octet, IN_QUOTES) for octet in value) + b'"'


def label_text(dice, label):
    words = [escape(dice, octet, IN_WORDS + b".") for octet in label]
    # the origin, data in generic form, and a label of BIND's own kind
    if words in ([b"@"], [b"\\#"]) or words[0] == b"\\[":
        words[0] = b"\\%03d" % label[0]
    return b"".join(words)


def labels(dice, most=3):
    return [octets(dice, dice.choice([1, 4, 12]), 1) for _ in range(dice.randint(1, most))]


def name_wire(parts):
    return b"".join(bytes([len(label)]) + label for label in parts)


def split(dice, text, least=1):
    """Text cut at random places."""
    parts, at = [], 0
    while at < len(text):
        size = dice.choice([least, 4, 7, 56, len(text)])
        parts.append(text[at:at + size])
        at += size
    return parts


def any_case(dice, text):
    return dice.choice([text, text, text.lower(), text.upper(), text.swapcase()])


def seconds_text(dice, value):
    if dice.random() < 0.6:
        return b"%d" % value
    text, rest = "", value
    for unit, length in UNITS:
        if rest >= length or unit == "s" and not text:
            text += f"{rest // length}{unit}"
            rest %= length
    return any_case(dice, text.encode())


# ---- fields: dice → (octets, [words])

def number(size):
    form = {1: "!B", 2: "!H", 4: "!I"}[size]

    def field(dice):
        value = dice.choice([0, 1, (1 << 8 * size) - 1, dice.randrange(1 << 8 * size), dice.randrange(1 << 8 * size)])
        return struct.pack(form, value), [b"%d" % value]
    return field


def fixed(wire, *words):
    return lambda dice: (wire, list(words))


def choice(*fields):
    return lambda dice: dice.choice(fields)(dice)


def seconds(dice):
    value = dice.choice([0, 1, 60, 3600, 86400, 604800, 90061, dice.randrange(1 << 31)])
    return struct.pack("!I", value), [seconds_text(dice, value)]


def name(dice):
    kind, parts = dice.random(), labels(dice)
    if kind < 0.05:
        return b"\0", [b"."]
    if kind < 0.1:
        return ORIGIN, [b"@"]
    text = b".".join(label_text(dice, label) for label in parts)
    if kind < 0.5:
        return name_wire(parts) + ORIGIN, [text]
    if kind < 0.6:
        return name_wire(parts) + ORIGIN, [text + b"." + ORIGIN_TEXT]
    return name_wire(parts) + b"\0", [text + b"."]


def string(dice):
    value = octets(dice, dice.choice([0, 3, 30, 255]))
    return bytes([len(value)]) + value, [quote(dice, value)]


def strings(dice):
    """Some strings; two that are quoted may stand side by side."""
    wire, words = b"", []
    for _ in range(dice.choice([1, 1, 2, 3, 9])):
        octets_of, (word,) = string(dice)
        wire += octets_of
        if words and words[-1][-1:] == word[:1] == b'"' == words[-1][:1] and dice.random() < 0.3:
            words[-1] += word
        else:
            words.append(word)
    return wire, words


def digits_string(dice):
    """X25: four digits or more, without escapes."""
    value = b"%d" % dice.randrange(1000, 10 ** 12)
    return bytes([len(value)]) + value, [dice.choice([value, b'"' + value + b'"'])]


def long_string(dice):
    """A string without a length, as CAA's and URI's."""
    value = octets(dice, dice.choice([3, 30, 300]), 1)
    return value, [b'"' + b"".join(escape(dice, octet, IN_QUOTES) for octet in value) + b'"']


def tag(dice):
    value = dice.choice([b"issue", b"issuewild", b"iodef", b"tbs", b"Unknown9"])
    return bytes([len(value)]) + value, [value]


def data(least, most):
    def field(dice):
        value = dice.randbytes(dice.randint(least, most))
        return value, split(dice, base64.b64encode(value))
    return field


def digest(least, most):
    def field(dice):
        value = dice.randbytes(dice.randint(least, most))
        return value, split(dice, any_case(dice, value.hex().encode()))
    return field


def key_algorithm(dice):
    value = dice.choice(list(ALGORITHMS))
    return bytes([value]), [dice.choice([b"%d" % value, any_case(dice, ALGORITHMS[value])])]


def key_flags(dice):
    """Without the bits that say that there is no key."""
    value = dice.choice([0, 1, 256, 257, 385])
    return struct.pack("!H", value), [b"%d" % value]


def label_count(dice):
    """No less than a signer has."""
    value = dice.choice([5, 20, 127])
    return bytes([value]), [b"%d" % value]


def delegation_digest(dice):
    kind = dice.choice(list(DIGESTS))
    value = dice.randbytes(DIGESTS[kind])
    return bytes([kind]) + value, [b"%d" % kind, *split(dice, any_case(dice, value.hex().encode()))]


def fingerprint(dice):
    kind, size = dice.choice([(1, 20), (2, 32)])
    value = dice.randbytes(size)
    return bytes([kind]) + value, [b"%d" % kind, *split(dice, any_case(dice, value.hex().encode()))]


def zone_digest(dice):
    kind, size = dice.choice([(1, 48), (2, 64)])
    value = dice.randbytes(size)
    return bytes([1, kind]) + value, [b"1", b"%d" % kind, *split(dice, any_case(dice, value.hex().encode()))]


def address4(dice):
    value = dice.randbytes(4)
    return value, [str(ipaddress.IPv4Address(value)).encode()]


def address6(dice):
    value = dice.choice([bytes(16), bytes(15) + b"\1", dice.randbytes(16),
                         dice.randbytes(6) + bytes(6) + dice.randbytes(4), bytes(10) + b"\xff\xff" + dice.randbytes(4)])
    address = ipaddress.IPv6Address(value)
    groups = [f"{group:x}" for group in struct.unpack("!8H", value)]
    mixed = ":".join(groups[:6]) + ":" + str(ipaddress.IPv4Address(value[12:]))
    return value, [any_case(dice, dice.choice([str(address), address.exploded, ":".join(groups), mixed]).encode())]


def groups4(dice):
    """NID and L64: four groups, as those of an IPv6 address."""
    value = dice.choice([dice.randbytes(8), bytes(8), bytes(7) + b"\1"])
    form = dice.choice(["{:x}", "{:04x}"])
    return value, [any_case(dice, ":".join(form.format(group) for group in struct.unpack("!4H", value)).encode())]


def ethernet(size):
    def field(dice):
        value = dice.randbytes(size)
        return value, [any_case(dice, "-".join(f"{octet:02x}" for octet in value).encode())]
    return field


def type_word(dice, value):
    names = [any_case(dice, zone_wire.type_name(value).encode()), b"TYPE%d" % value, b"type%d" % value]
    return dice.choice(names if zone_wire.type_name(value) not in ("CLA", "IPN") else names[1:])


def some_type(dice):
    return dice.choice([*TYPES.values(), dice.randrange(1000, 32000), 65535])


def covered(dice):
    value = some_type(dice)
    return struct.pack("!H", value), [type_word(dice, value)]


def types(dice):
    chosen = {some_type(dice) for _ in range(dice.choice([1, 2, 5, 40]))}
    words = [type_word(dice, value) for value in chosen]
    dice.shuffle(words)
    return bitmap(chosen), words


def next_types(dice):
    """NXT's bits: types below 128, and not type 0."""
    chosen = {dice.choice([1, 2, 15, 16, 28, 30]) for _ in range(dice.randint(1, 4))}
    return bitmap(chosen)[2:], [type_word(dice, value) for value in chosen]


def signature_time(dice):
    value, text = dice.choice([(1893456000, b"20300101000000"), (1577836800, b"20200101000000"),
                               (2145916800, b"20380101000000")])
    return struct.pack("!I", value), [text]


def salt(dice):
    value = dice.randbytes(dice.choice([0, 1, 8, 255]))
    return bytes([len(value)]) + value, [any_case(dice, value.hex().encode()) if value else b"-"]


def hashed_name(dice):
    """NSEC3: algorithm, flags, iterations, salt, hash; SHA-1 has 20 octets, other algorithms any number."""
    algorithm, size = dice.choice([(1, 20), (2, 20), (2, 3), (2, 5), (2, 6), (2, 32), (2, 1)])
    iterations = dice.randrange(65536)
    salt_octets, words = salt(dice)
    value = dice.randbytes(size)
    text = base64.b32hexencode(value).rstrip(b"=")
    return (struct.pack("!BBH", algorithm, 1, iterations) + salt_octets + bytes([size]) + value,
            [b"%d" % algorithm, b"1", b"%d" % iterations, *words, any_case(dice, text)])


def gateway(dice):
    """IPSECKEY: precedence, type of gateway, algorithm, gateway, key."""
    kind, (wire, words) = dice.choice([(0, (b"", [b"."])), (1, address4(dice)), (2, address6(dice)), (3, name(dice))])
    key, key_words = data(1, 40)(dice)
    return bytes([10, kind, 2]) + wire + key, [b"10", b"%d" % kind, b"2", *words, *key_words]


def relay(dice):
    kind, (wire, words) = dice.choice([(0, (b"", [b"."])), (1, address4(dice)), (2, address6(dice)), (3, name(dice))])
    optional = dice.randrange(2)
    return bytes([9, optional << 7 | kind]) + wire, [b"9", b"%d" % optional, b"%d" % kind, *words]


def host_identity(dice):
    tag_octets, key = dice.randbytes(dice.randint(1, 20)), dice.randbytes(dice.randint(1, 40))
    wire, words = b"", []
    for _ in range(dice.choice([0, 1, 2])):
        server, word = name(dice)
        wire, words = wire + server, words + word
    return (struct.pack("!BBH", len(tag_octets), 2, len(key)) + tag_octets + key + wire,
            [b"2", any_case(dice, tag_octets.hex().encode()), base64.b64encode(key), *words])


def prefix_list(dice):
    wire, words = b"", []
    for _ in range(dice.choice([0, 1, 3])):
        family, size = dice.choice([(1, 4), (2, 16)])
        bits, negative = dice.randint(0, 8 * size), dice.randrange(2)
        host_bits = 8 * size - bits
        value = (int.from_bytes(dice.randbytes(size), "big") >> host_bits << host_bits).to_bytes(size, "big")
        short = value.rstrip(b"\0")
        wire += struct.pack("!HBB", family, bits, negative << 7 | len(short)) + short
        words.append(f"{'!' * negative}{family}:{ipaddress.ip_address(value)}/{bits}".encode())
    return wire, words


def chained_address(dice):
    """A6: prefix length, suffix, name of the prefix."""
    bits = dice.choice([0, 1, 64, 127, 128])
    suffix = (int.from_bytes(dice.randbytes(16), "big") & (1 << 128 - bits) - 1).to_bytes(16, "big")
    wire, words = bytes([bits]) + suffix[bits // 8:], [b"%d" % bits]
    if bits < 128:
        words.append(str(ipaddress.IPv6Address(suffix)).encode())
    if bits:
        more, word = name(dice)
        wire, words = wire + more, words + word
    return wire, words


def services(dice):
    """WKS: address, protocol, ports."""
    address, words = address4(dice)
    protocol = dice.choice([6, 17])
    ports = {dice.choice([25, 53, 80, dice.randrange(2000)]) for _ in range(dice.choice([0, 1, 4]))}
    bits = bytearray(max(ports, default=-1) // 8 + 1)
    for port in ports:
        bits[port >> 3] |= 0x80 >> (port & 7)
    protocol_word = dice.choice([b"%d" % protocol, any_case(dice, {6: b"tcp", 17: b"udp"}[protocol])])
    return address + bytes([protocol]) + bits, [*words, protocol_word, *(b"%d" % port for port in ports)]


def network_address(dice):
    value = dice.randbytes(dice.randint(1, 20))
    text = value.hex()
    if dice.random() < 0.5:
        text = text[:2] + "." + ".".join(text[at:at + 4] for at in range(2, len(text), 4)) if len(text) > 2 else text
    return value, [b"0x" + any_case(dice, text.encode())]


def certificate(dice):
    kind, wire = dice.choice(list(CERTIFICATES)), dice.randrange(65536)
    algorithm, words = key_algorithm(dice)
    value, more = data(1, 60)(dice)
    return (struct.pack("!HH", kind, wire) + algorithm + value,
            [dice.choice([b"%d" % kind, CERTIFICATES[kind]]), b"%d" % wire, *words, *more])


def position(dice):
    """LOC: degrees, minutes and seconds, altitude, size and precisions; some of the last three may be missing."""
    wire, words = b"", []
    for most, letters in ((90, b"NS"), (180, b"EW")):
        milli = dice.choice([0, dice.randrange(most * 3600000), most * 3600000])
        milli -= dice.choice([0, milli % 60000, milli % 3600000])
        negative = dice.randrange(2)
        wire += struct.pack("!I", (1 << 31) + (-milli if negative else milli))
        degrees, rest = divmod(milli, 3600000)
        minutes, rest = divmod(rest, 60000)
        parts = [b"%d" % degrees]
        if rest or minutes or dice.random() < 0.5:
            parts.append(b"%d" % minutes)
            if rest or dice.random() < 0.5:
                whole = rest % 1000 == 0 and dice.random() < 0.5
                parts.append(b"%d" % (rest // 1000) if whole else b"%d.%03d" % divmod(rest, 1000))
        words += [*parts, letters[negative:negative + 1]]
    altitude = dice.choice([0, -10000000, dice.randrange(-10000000, 4200000000)])
    unit = dice.choice([b"m", b""])
    words.append(b"%s%d.%02d" % (b"-" * (altitude < 0), abs(altitude) // 100, abs(altitude) % 100) + unit)
    given = dice.randint(0, 3)
    chosen = [dice.choice([(0x12, b"1"), (0x16, b"10000"), (0x13, b"10"), (0x35, b"3000"), (0x99, b"90000000"),
                           (0x10, b"0.01"), (0x51, b"0.50"), (0x00, b"0")]) for _ in range(given)]
    sizes = [size for size, _ in chosen] + [0x12, 0x16, 0x13][given:]
    words += [word + unit for _, word in chosen]
    return b"\0" + bytes(sizes) + wire + struct.pack("!I", 10000000 + altitude), words


def parameters(dice):
    """SVCB's keys and values."""
    found, words = {}, []

    def put(key, value, *spelled):
        found[key] = value
        words.append(dice.choice(spelled))

    hosts = [address4(dice) for _ in range(dice.randint(1, 3))]
    hosts6 = [address6(dice) for _ in range(dice.randint(1, 3))]
    ids = [b"h2", b"h3", b"doq", b"a,b", b"c\\d"][:dice.randint(1, 5)]
    escaped = b",".join(each.replace(b"\\", b"\\\\\\\\").replace(b"a,b", b"a\\\\,b") for each in ids)
    if dice.random() < 0.7:
        put(1, b"".join(bytes([len(each)]) + each for each in ids), b"alpn=" + escaped, b'alpn="' + escaped + b'"')
        if dice.random() < 0.4:
            put(2, b"", b"no-default-alpn")
    if dice.random() < 0.5:
        port = dice.randrange(65536)
        put(3, struct.pack("!H", port), b"port=%d" % port, b'port="%d"' % port)
    if dice.random() < 0.5:
        text = b",".join(each[1][0] for each in hosts)
        put(4, b"".join(each[0] for each in hosts), b"ipv4hint=" + text, b'ipv4hint="' + text + b'"')
    if dice.random() < 0.3:
        value = dice.randbytes(dice.randint(1, 30))
        put(5, value, b"ech=" + base64.b64encode(value), b'ech="' + base64.b64encode(value) + b'"')
    if dice.random() < 0.5:
        text = b",".join(each[1][0] for each in hosts6)
        put(6, b"".join(each[0] for each in hosts6), b"ipv6hint=" + text, b'ipv6hint="' + text + b'"')
    if dice.random() < 0.3:
        put(7, b"/q{?dns}", b"dohpath=/q{?dns}", b'dohpath="/q{?dns}"')
    if dice.random() < 0.5:
        key, value = dice.randrange(100, 65280), octets(dice, 20, 1)
        put(key, value, b"key%d=" % key + quote(dice, value))
    if found and dice.random() < 0.5:
        keys = dice.sample(sorted(found), dice.randint(1, len(found)))
        text = b",".join(KEY_NAMES.get(key, b"key%d" % key) for key in keys)
        value = b"".join(struct.pack("!H", key) for key in sorted(keys))
        put(0, value, b"mandatory=" + text, b'mandatory="' + text + b'"')
    dice.shuffle(words)
    return b"".join(struct.pack("!HH", key, len(found[key])) + found[key] for key in sorted(found)), words


def service(dice):
    priority = dice.choice([0, 1, 65535])
    target, words = name(dice)
    wire, more = parameters(dice) if priority else (b"", [])
    return struct.pack("!H", priority) + target + wire, [b"%d" % priority, *words, *more]


BYTE, SHORT, LONG = number(1), number(2), number(4)
KEY_FIELDS = (key_flags, fixed(b"\3", b"3"), key_algorithm, data(1, 70))
DIGEST_FIELDS = (SHORT, key_algorithm, delegation_digest)
SIGNATURE = (covered, key_algorithm, label_count, LONG, signature_time, signature_time, SHORT, name, data(1, 70))
FIELDS = {
    "A": (address4,), "AAAA": (address6,), "NS": (name,), "CNAME": (name,), "DNAME": (name,), "PTR": (name,),
    "MB": (name,), "MG": (name,), "MR": (name,), "MINFO": (name, name), "MX": (SHORT, name), "HINFO": (string, string),
    "TXT": (strings,), "SPF": (strings,), "AVC": (strings,), "NINFO": (strings,), "RESINFO": (strings,),
    "WALLET": (strings,), "RP": (name, name), "AFSDB": (SHORT, name), "RT": (SHORT, name), "KX": (SHORT, name),
    "LP": (SHORT, name), "X25": (digits_string,), "ISDN": (string, choice(string, fixed(b""))),
    "NSAP": (network_address,), "NSAP-PTR": (name,), "SIG": SIGNATURE, "RRSIG": SIGNATURE, "KEY": KEY_FIELDS,
    "RKEY": (fixed(b"\0\0", b"0"), fixed(b"\3", b"3"), key_algorithm, data(1, 70)), "DNSKEY": KEY_FIELDS,
    "CDNSKEY": KEY_FIELDS, "PX": (SHORT, name, name), "LOC": (position,), "NXT": (name, next_types),
    "SRV": (SHORT, SHORT, SHORT, name),
    "NAPTR": (SHORT, SHORT, fixed(b"\1u", b'"u"'), string, fixed(b"\0", b'""'), name),
    "CERT": (certificate,), "A6": (chained_address,), "APL": (prefix_list,), "DS": DIGEST_FIELDS, "CDS": DIGEST_FIELDS,
    "TA": DIGEST_FIELDS, "DLV": DIGEST_FIELDS, "SSHFP": (BYTE, fingerprint), "IPSECKEY": (gateway,),
    "NSEC": (name, types), "DHCID": (data(1, 70),), "NSEC3": (hashed_name, types),
    "NSEC3PARAM": (fixed(b"\1", b"1"), BYTE, SHORT, salt), "TLSA": (BYTE, BYTE, BYTE, digest(1, 70)),
    "SMIMEA": (BYTE, BYTE, BYTE, digest(1, 70)), "HIP": (host_identity,), "TALINK": (name, name),
    "OPENPGPKEY": (data(1, 70),), "CSYNC": (LONG, SHORT, types), "ZONEMD": (LONG, zone_digest), "SVCB": (service,),
    "HTTPS": (service,), "NID": (SHORT, groups4), "L32": (SHORT, address4), "L64": (SHORT, groups4),
    "EUI48": (ethernet(6),), "EUI64": (ethernet(8),), "URI": (SHORT, SHORT, long_string),
    "CAA": (BYTE, tag, long_string), "AMTRELAY": (relay,), "WKS": (services,), "EID": (digest(1, 40),),
    "NIMLOC": (digest(1, 40),), "SINK": (BYTE, BYTE, BYTE, data(1, 40)), "DOA": (LONG, LONG, BYTE, string, data(1, 40)),
    "DSYNC": (covered, BYTE, SHORT, name), "HHIT": (data(1, 40),), "BRID": (data(1, 40),)}

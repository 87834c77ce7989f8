/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The format of LMDB 0.9 on 64-bit machines of little-endian order (mdb.c: struct MDB_page, MDB_node,
 * MDB_db, MDB_meta). The structs here are copies of what is in the file.
 */
#include "store_pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MIN  1024
#define PAGE_BYTES_MAX  32768
#define HEAD_BYTES      16
#define NODE_HEAD_BYTES 8
#define KEY_BYTES_MAX   511
#define META_CNT        2
#define DEPTH_MAX       32
#define NO_PAGE         UINT64_MAX
#define MAGIC           0xbeefc0deu
#define DATA_VERSION    1

/* Pages that one transaction has in memory: so many may be missing at the end of the file, if it has
 * made and freed them. Lists of free pages may have them. */
#define PAGES_MISSING_MAX 131072

enum page_flag {
	PAGE_BRANCH = 1,
	PAGE_LEAF = 2,
	PAGE_OVERFLOW = 4,
	PAGE_META = 8,
	PAGE_DIRTY =
		16, /* in pages inside nodes it may stay set; elsewhere LMDB would write to it */
	PAGE_INSIDE = 64,
};

enum node_flag { NODE_OVERFLOW = 1, NODE_TREE = 2, NODE_VALUES = 4 };

enum tree_flag { TREE_SORTED_VALUES = 4, TREE_INTEGER_KEYS = 8 };

struct head {
	uint64_t number;
	uint16_t pad;
	uint16_t flags;
	uint16_t lower, upper; /* or the number of overflow pages */
};

struct node {
	uint16_t low, high; /* octets of the value; with `flags`, the number of a child page */
	uint16_t flags;
	uint16_t key_bytes;
};

struct tree {
	uint32_t pad; /* of the list of free pages: octets of a page */
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_cnt, leaf_cnt, overflow_cnt, entry_cnt;
	uint64_t root;
};

struct meta {
	uint32_t magic, version;
	uint64_t address, map_bytes;
	struct tree free, main;
	uint64_t last_page;
	uint64_t txn;
};

struct key {
	const uint8_t *octet;
	unsigned bytes;
};

struct checker {
	const uint8_t *file;
	size_t page_bytes;
	uint64_t page_cnt; /* that the meta page knows */
	uint64_t file_cnt; /* that are in the file, of these */
	uint8_t *used;     /* a bit for each page */
	const char *with_values;
};

enum tree_kind {
	TREE_FREE,   /* lists of pages that are free */
	TREE_MAIN,   /* the tables */
	TREE_PLAIN,  /* keys with a value each */
	TREE_VALUES, /* keys with values */
	TREE_OWN,    /* the values of a key, which are keys without values */
};

/* A tree that is being walked, from left to right. */
struct walk {
	struct checker *checker;
	enum tree_kind kind;
	struct key last; /* the last key, or the one that divides what comes from what was */
	bool has_last;
	bool may_equal; /* the latter */
};

const char vly_store_pages_no_memory[] = "no memory";

static const char *check_tree(struct checker *checker, const struct tree *tree,
			      enum tree_kind kind);

/* False: there is no such page below `end`, or it has another use. */
static bool
use_page(struct checker *checker, uint64_t number, uint64_t end)
{
	if (number < META_CNT || number >= end)
		return false;
	uint8_t bit = (uint8_t)(1 << number % 8);
	if (checker->used[number / 8] & bit)
		return false;
	checker->used[number / 8] |= bit;
	return true;
}

static const uint8_t *
page_at(const struct checker *checker, uint64_t number, struct head *head)
{
	const uint8_t *page = checker->file + number * checker->page_bytes;

	memcpy(head, page, sizeof(*head));
	return page;
}

static int
compare(const struct walk *walk, const struct key *left, const struct key *right)
{
	uint64_t a, b;

	if (walk->kind == TREE_FREE) {
		memcpy(&a, left->octet, sizeof(a));
		memcpy(&b, right->octet, sizeof(b));
		return a < b ? -1 : a > b;
	}
	int order = memcmp(left->octet, right->octet,
			   left->bytes < right->bytes ? left->bytes : right->bytes);
	return order != 0 ? order : (int)left->bytes - (int)right->bytes;
}

/* Goes on to a key of a leaf, or to one that divides pages. */
static bool
go_on(struct walk *walk, const struct key *key, bool divides)
{
	if (key->bytes == 0 || (walk->kind == TREE_FREE && key->bytes != sizeof(uint64_t)))
		return false;
	int order = walk->has_last ? compare(walk, &walk->last, key) : -1;
	if (order > 0 || (order == 0 && !walk->may_equal))
		return false;
	walk->last = *key;
	walk->has_last = true;
	walk->may_equal = divides;
	return true;
}

/* Node number `idx` of page[0..bytes-1], whose head is sound. False: it is not inside. */
static bool
node_at(const uint8_t *page, size_t bytes, unsigned upper, unsigned idx, struct node *node,
	struct key *key)
{
	uint16_t at;

	memcpy(&at, page + HEAD_BYTES + 2 * idx, sizeof(at));
	if (at < upper || at + (size_t)NODE_HEAD_BYTES > bytes)
		return false;
	memcpy(node, page + at, sizeof(*node));
	key->octet = page + at + NODE_HEAD_BYTES;
	key->bytes = node->key_bytes;
	return node->key_bytes <= KEY_BYTES_MAX && at + NODE_HEAD_BYTES + key->bytes <= bytes;
}

/* Octets that a node takes, behind its key. */
static size_t
value_bytes(const struct node *node)
{
	return node->low | (size_t)node->high << 16;
}

static size_t
taken_bytes(const struct node *node, size_t value)
{
	return (NODE_HEAD_BYTES + node->key_bytes + value + 1) & ~(size_t)1;
}

/* The head of a page of nodes; *cnt are those that it has. */
static bool
read_head(const struct head *head, size_t bytes, unsigned *cnt)
{
	if (head->lower < HEAD_BYTES || head->lower % 2 != 0 || head->upper < head->lower ||
	    head->upper > bytes)
		return false;
	*cnt = (head->lower - (unsigned)HEAD_BYTES) / 2;
	return true;
}

/* The values of a key, as a page inside its node. */
static const char *
check_inside(struct checker *checker, const uint8_t *page, size_t bytes)
{
	struct walk walk = {.checker = checker, .kind = TREE_OWN};
	struct head head;
	struct node node;
	struct key key;
	size_t taken = 0;
	unsigned cnt;

	if (bytes < HEAD_BYTES)
		return "a list of values";
	memcpy(&head, page, sizeof(head));
	if ((head.flags & ~PAGE_DIRTY) != (PAGE_LEAF | PAGE_INSIDE) ||
	    !read_head(&head, bytes, &cnt) || cnt == 0)
		return "a list of values";
	for (unsigned i = 0; i < cnt; i++) {
		if (!node_at(page, bytes, head.upper, i, &node, &key) || node.flags != 0 ||
		    value_bytes(&node) != 0 || !go_on(&walk, &key, false))
			return "a list of values";
		taken += taken_bytes(&node, 0);
	}
	return taken <= bytes - head.upper ? NULL : "a list of values";
}

static const char *
check_overflow(struct checker *checker, uint64_t number, size_t bytes)
{
	uint64_t cnt = (HEAD_BYTES - 1 + bytes) / checker->page_bytes + 1;
	struct head head;
	uint32_t stated;

	for (uint64_t i = 0; i < cnt; i++)
		if (!use_page(checker, number + i, checker->file_cnt))
			return "the place of a large value";
	page_at(checker, number, &head);
	memcpy(&stated, &head.lower, sizeof(stated));
	return head.number == number && head.flags == PAGE_OVERFLOW && stated == cnt
		       ? NULL
		       : "a large value";
}

/* Free pages, the highest first: their count, then their numbers. */
static const char *
check_free_list(struct checker *checker, const uint8_t *value, size_t bytes)
{
	uint64_t cnt, number, before = UINT64_MAX;

	if (bytes < sizeof(cnt))
		return "a list of free pages";
	memcpy(&cnt, value, sizeof(cnt));
	if (cnt > bytes / sizeof(number) - 1)
		return "a list of free pages";
	for (uint64_t i = 1; i <= cnt; i++) {
		memcpy(&number, value + i * sizeof(number), sizeof(number));
		if (number >= before || !use_page(checker, number, checker->page_cnt))
			return "a list of free pages";
		before = number;
	}
	return NULL;
}

static const char *
check_subtree(struct walk *walk, const struct key *key, const uint8_t *value, size_t bytes)
{
	const char *with_values = walk->checker->with_values;
	enum tree_kind kind = TREE_OWN;
	struct tree tree;

	if (bytes != sizeof(tree))
		return "the root of a tree";
	memcpy(&tree, value, sizeof(tree));
	if (walk->kind == TREE_MAIN) {
		bool has_values = key->bytes == strlen(with_values) &&
				  memcmp(key->octet, with_values, key->bytes) == 0;
		kind = has_values ? TREE_VALUES : TREE_PLAIN;
		if (tree.flags != (has_values ? TREE_SORTED_VALUES : 0))
			return "the root of a table";
	}
	return check_tree(walk->checker, &tree, kind);
}

/* What the node of a leaf may have depends on the tree. */
static const char *
check_value(struct walk *walk, const struct node *node, const struct key *key, const uint8_t *value,
	    size_t bytes)
{
	unsigned flags = node->flags;

	if (walk->kind == TREE_MAIN)
		return flags == NODE_TREE ? check_subtree(walk, key, value, bytes)
					  : "the list of tables";
	if (walk->kind == TREE_VALUES && flags == (NODE_TREE | NODE_VALUES))
		return check_subtree(walk, key, value, bytes);
	if (walk->kind == TREE_VALUES && flags == NODE_VALUES)
		return check_inside(walk->checker, value, bytes);
	if (walk->kind == TREE_OWN && bytes > 0)
		return "a value";
	if ((flags & ~(unsigned)NODE_OVERFLOW) != 0)
		return "the kind of a value";
	return walk->kind == TREE_FREE ? check_free_list(walk->checker, value, bytes) : NULL;
}

/* *taken grows by what the node takes. */
static const char *
check_leaf_node(struct walk *walk, const struct node *node, const struct key *key,
		const uint8_t *page_end, size_t *taken)
{
	const uint8_t *value = key->octet + key->bytes;
	size_t bytes = value_bytes(node);
	size_t inside = node->flags & NODE_OVERFLOW ? sizeof(uint64_t) : bytes;
	uint64_t number;

	if (!go_on(walk, key, false))
		return "the order of keys";
	if (inside > (size_t)(page_end - value))
		return "the size of a value";
	*taken += taken_bytes(node, inside);
	if (node->flags & NODE_OVERFLOW) {
		memcpy(&number, value, sizeof(number));
		const char *damage = check_overflow(walk->checker, number, bytes);
		if (damage != NULL)
			return damage;
		value = walk->checker->file + number * walk->checker->page_bytes + HEAD_BYTES;
	}
	return check_value(walk, node, key, value, bytes);
}

static const char *
check_page(struct walk *walk, uint64_t number, unsigned depth)
{
	struct checker *checker = walk->checker;
	const bool is_leaf = depth == 1;
	const char *damage = NULL;
	struct head head;
	struct node node;
	struct key key;
	size_t taken = 0;
	unsigned cnt;

	if (!use_page(checker, number, checker->file_cnt))
		return "the number of a page";
	const uint8_t *page = page_at(checker, number, &head);
	if (head.number != number || head.flags != (is_leaf ? PAGE_LEAF : PAGE_BRANCH) ||
	    !read_head(&head, checker->page_bytes, &cnt) || cnt < (is_leaf ? 1u : 2u))
		return "the head of a page";
	for (unsigned i = 0; i < cnt && damage == NULL; i++) {
		if (!node_at(page, checker->page_bytes, head.upper, i, &node, &key))
			return "a place in a page";
		if (is_leaf) {
			damage = check_leaf_node(walk, &node, &key, page + checker->page_bytes,
						 &taken);
			continue;
		}
		taken += taken_bytes(&node, 0);
		if (i > 0 && !go_on(walk, &key, true)) /* the first one is not used */
			return "the order of pages";
		damage = check_page(walk, value_bytes(&node) | (uint64_t)node.flags << 32,
				    depth - 1);
	}
	if (damage == NULL && taken != checker->page_bytes - head.upper)
		return "the room of a page";
	return damage;
}

static const char *
check_tree(struct checker *checker, const struct tree *tree, enum tree_kind kind)
{
	struct walk walk = {.checker = checker, .kind = kind};

	if (tree->root == NO_PAGE)
		return tree->depth == 0 ? NULL : "the root of a tree";
	if (tree->depth < 1 || tree->depth > DEPTH_MAX)
		return "the depth of a tree";
	return check_page(&walk, tree->root, tree->depth);
}

/* The meta page of each second transaction; the first two may be those that the file began with. */
static bool
is_meta(const struct meta *meta, const struct head *head, unsigned idx)
{
	size_t page_bytes = meta->free.pad;

	return meta->magic == MAGIC && meta->version == DATA_VERSION && head->number == idx &&
	       head->flags == PAGE_META && meta->free.flags == TREE_INTEGER_KEYS &&
	       meta->main.flags == 0 && (meta->txn == 0 || meta->txn % META_CNT == idx) &&
	       page_bytes >= PAGE_BYTES_MIN && page_bytes <= PAGE_BYTES_MAX &&
	       (page_bytes & (page_bytes - 1)) == 0;
}

/* The newer one of the meta pages, which have the numbers of successive transactions. Otherwise one
 * of the numbers is damaged, and a transaction would be lost. */
static bool
read_meta(const uint8_t *file, size_t bytes, struct meta *newest)
{
	struct meta meta[META_CNT];
	struct head head;
	size_t at = 0;

	for (unsigned i = 0; i < META_CNT; i++) {
		if (bytes < at + HEAD_BYTES + sizeof(meta[0]))
			return false;
		memcpy(&head, file + at, sizeof(head));
		memcpy(&meta[i], file + at + HEAD_BYTES, sizeof(meta[0]));
		if (!is_meta(&meta[i], &head, i))
			return false;
		at = meta[0].free.pad;
	}
	*newest = meta[meta[1].txn > meta[0].txn];
	uint64_t apart = meta[1].txn - meta[0].txn;
	return meta[0].free.pad == meta[1].free.pad &&
	       (apart == 1 || apart == UINT64_MAX || newest->txn == 0);
}

const char *
vly_store_pages_check(const uint8_t *file, size_t bytes, const char *with_values)
{
	struct checker checker = {.file = file, .with_values = with_values};
	struct meta meta;

	if (!read_meta(file, bytes, &meta))
		return "the head of the file";
	checker.page_bytes = meta.free.pad;
	checker.file_cnt = bytes / checker.page_bytes;
	if (meta.last_page >= checker.file_cnt + PAGES_MISSING_MAX)
		return "the end of the file, which is missing";
	checker.page_cnt = meta.last_page + 1;
	if (checker.file_cnt > checker.page_cnt)
		checker.file_cnt = checker.page_cnt;
	checker.used = calloc(1, (size_t)(checker.page_cnt / 8 + 1));
	if (checker.used == NULL)
		return vly_store_pages_no_memory;
	const char *damage = check_tree(&checker, &meta.main, TREE_MAIN);
	if (damage == NULL)
		damage = check_tree(&checker, &meta.free, TREE_FREE);
	free(checker.used);
	return damage;
}

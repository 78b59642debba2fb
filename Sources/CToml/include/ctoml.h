#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// toml++ for Swift: one call reads a whole document into a flat list of nodes. No input ends the process: exceptions
// and assertions are off, nesting is bounded, and every failure is a value. The caller limits the size of its input.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cai_toml_kind {
    CAI_TOML_STRING,
    CAI_TOML_INTEGER,
    CAI_TOML_FLOAT,
    CAI_TOML_BOOLEAN,
    CAI_TOML_DATE,
    CAI_TOML_ARRAY,
    CAI_TOML_TABLE,
} cai_toml_kind;

/// UTF-8 of a known length; it may contain NUL and is not terminated.
typedef struct cai_toml_text {
    const char *_Nullable bytes;
    size_t length;
} cai_toml_text;

/// Line and column, in characters, counted from 1.
typedef struct cai_toml_position {
    uint32_t line;
    uint32_t column;
} cai_toml_position;

/// A value and, inside a table, its key.
typedef struct cai_toml_node {
    cai_toml_kind kind;
    cai_toml_position position;
    cai_toml_text key;
    cai_toml_position key_position;
    /// The characters of a string, or a date as RFC 3339 writes it.
    cai_toml_text text;
    int64_t integer;
    double number;
    bool boolean;
    /// How many values an array or table holds.
    size_t child_count;
} cai_toml_node;

typedef struct cai_toml_document cai_toml_document;

/// Reads a document. Null only when memory is exhausted; a syntax error makes a document without nodes.
cai_toml_document *_Nullable cai_toml_parse(const char *_Nonnull bytes, size_t length);

/// The nodes, parents first, each followed by everything it holds; the first is the root table. They live as long as
/// the document.
const cai_toml_node *_Nullable cai_toml_nodes(const cai_toml_document *_Nonnull document, size_t *_Nonnull count);

/// The syntax error, or null.
const cai_toml_text *_Nullable cai_toml_error(const cai_toml_document *_Nonnull document,
                                              cai_toml_position *_Nonnull position);

void cai_toml_free(cai_toml_document *_Nullable document);

#ifdef __cplusplus
}
#endif

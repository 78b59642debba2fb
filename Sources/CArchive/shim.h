/// libarchive, which knows the forms of tar, and the two compressors (Debian: libarchive-dev, zlib1g-dev, libzstd-dev).
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

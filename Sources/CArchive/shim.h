/// libarchive, which knows the forms of tar, and what compresses them: zlib reads every gzip stream piece by piece, libdeflate
/// our own members as a whole, in less than half the time (Debian: libarchive-dev, zlib1g-dev, libdeflate-dev, libzstd-dev).
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/// What the first instructions of this program leave for the rest of it; see start.c.
#pragma once
#include <stdint.h>

/// The signal mask this program was started with, once signals are held.
extern uint64_t cai_start_signal_mask;
/// Whether every signal is blocked.
extern int cai_start_signals_are_held;

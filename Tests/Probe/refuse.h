#pragma once

/// Starts the program after "--" in place of this one, with system calls refused as the words before it say:
/// "CALL=ERROR" for each call, or "CALL/ARGUMENT/MASK=ERROR" if any bit of the mask is set in that argument. Returns an exit
/// code if that fails.
int refuse(char **words);

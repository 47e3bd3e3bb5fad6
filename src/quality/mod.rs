//! Signals on a pair: what looks wrong with a translation.

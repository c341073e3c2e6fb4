"""From a file of unknown origin to facts, frames and sound; decoding happens in limited children only."""

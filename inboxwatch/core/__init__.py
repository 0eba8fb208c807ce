"""The pure core: values in, values out. No IO, no clock, no log; the standard library only."""

// A library that is no plug-in.
extern "C" int windlass_has_nothing_here() { return 0; }

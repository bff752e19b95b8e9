// A plug-in without WINDLASS_HANDLER, of the right interface.
#include "windlass/handler.h"

extern "C" __attribute__((visibility("default"))) const void* windlass_test_reference() {
  return reinterpret_cast<const void*>(&windlass_plugin_description);
}

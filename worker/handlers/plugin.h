#ifndef WINDLASS_WORKER_HANDLERS_PLUGIN_H_
#define WINDLASS_WORKER_HANDLERS_PLUGIN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/config.h"
#include "windlass/handler.h"

namespace windlass {

// Role: a shared library with handlers that somebody else has written. Processes that run handlers,
// and short-lived ones that look whether a library could be loaded; never the master. Does not own
// the library, which stays loaded until the process ends: handlers, threads and static objects of
// it may live as long. Copies stand for the same library.
// Invariant: nothing of a library is used, beyond what its static constructors do by themselves,
// before it has said that it was built for this server.
// Blocking: as long as the file system and the library's static constructors do. Errors name the
// library and what to do.
class Plugin {
 public:
  // `library` as configured: a path, or a name without a slash, which is looked for in
  // PluginFolders(). ".so" may be left out. NotFound: no such file, with the places looked at.
  // FailedPrecondition: a file, but no plug-in for this server.
  static absl::StatusOr<Plugin> Load(const std::string& library);

  // The name of the handler to make for a [[handler]] with this `entry` ("" is not set) and `name`:
  // that entry; else the one named like the handler; else the only one. NotFound lists them all.
  absl::StatusOr<std::string> Choose(absl::string_view entry, absl::string_view name) const;
  // REQUIRES: `entry` came from Choose. Internal: its constructor threw, or made nothing.
  absl::StatusOr<std::unique_ptr<Handler>> Make(absl::string_view entry) const;
  std::vector<std::string> EntryNames() const;  // in the order of the source, as a rule

 private:
  Plugin(std::string path, const plugin::Description* description)
      : path_(std::move(path)), description_(description) {}
  std::string path_;
  const plugin::Description* description_;  // of the library: static
};

// The file that Plugin::Load would load for `library`. NotFound: none, with the places looked at.
absl::StatusOr<std::string> FindPlugin(const std::string& library);

// Where libraries are that are named without a slash: `plugins` beside this program, as in a build
// tree, and lib/windlass/plugins beside its directory, as installed.
std::vector<std::string> PluginFolders();

// Whether every handler of `config` that names a library could be made, short of making it. For
// processes that end soon: it loads the libraries. Errors name the handler.
absl::Status CheckPlugins(const Config& config);

}  // namespace windlass

#endif  // WINDLASS_WORKER_HANDLERS_PLUGIN_H_

#include "worker/handlers/plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <exception>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/nearest_name.h"
#include "common/posix.h"
#include "common/program_path.h"

namespace windlass {
namespace {

constexpr char kDescriptionSymbol[] = "windlass_plugin_description";
constexpr absl::string_view kSuffix = ".so";

std::vector<std::string> Candidates(const std::string& library) {
  std::vector<std::string> places = {library};
  if (!absl::StrContains(library, '/')) {
    places.clear();
    for (const std::string& folder : PluginFolders())
      places.push_back(absl::StrCat(folder, "/", library));
  }
  if (absl::EndsWith(library, kSuffix)) return places;
  std::vector<std::string> all;
  for (const std::string& place : places) {
    all.push_back(absl::StrCat(place, kSuffix));
    all.push_back(place);
  }
  return all;
}

// What a library was built with, as far as it must agree with the server.
std::string Describe(uint32_t abi, uint32_t abseil, uint32_t libstdcxx, const char* version) {
  return absl::StrCat("interface ", abi, ", Abseil ", abseil, ", _GLIBCXX_USE_CXX11_ABI ",
                      libstdcxx, " (Windlass ", version, ")");
}

absl::Status CheckAbi(const std::string& path, const plugin::Description* theirs) {
  const plugin::Description ours = {WINDLASS_PLUGIN_ABI, ABSL_LTS_RELEASE_VERSION,
                                    plugin::kStandardLibraryAbi, WINDLASS_VERSION_STRING, nullptr};
  if (theirs != nullptr && theirs->abi == ours.abi && theirs->abseil == ours.abseil &&
      theirs->libstdcxx == ours.libstdcxx) {
    return absl::OkStatus();
  }
  if (theirs == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is no Windlass plug-in: ", kDescriptionSymbol, "() gives nothing"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      path, " was built for another server: it has ",
      Describe(theirs->abi, theirs->abseil, theirs->libstdcxx, theirs->version),
      ", this server has ", Describe(ours.abi, ours.abseil, ours.libstdcxx, ours.version),
      ". Build it again with the headers of this server"));
}

absl::Status NoSuchEntry(const std::string& path, absl::string_view entry,
                         const std::vector<std::string>& names) {
  if (names.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path, " has no handlers: WINDLASS_HANDLER(\"name\", Class) makes one"));
  }
  return absl::NotFoundError(absl::StrCat(path, " has no handler '", entry, "' (it has ",
                                          absl::StrJoin(names, ", "), ")",
                                          DidYouMean(entry, names)));
}

}  // namespace

std::vector<std::string> PluginFolders() {
  const std::string folder = ProgramFolder();
  return {absl::StrCat(folder, "/plugins"), absl::StrCat(folder, "/../lib/windlass/plugins")};
}

absl::StatusOr<std::string> FindPlugin(const std::string& library) {
  const std::vector<std::string> places = Candidates(library);
  for (const std::string& place : places) {
    const absl::StatusOr<OwnedFd> file = OpenReadOnly(place);
    if (absl::IsNotFound(file.status())) continue;
    if (!file.ok()) return file.status();
    const absl::StatusOr<FileIdentity> identity = IdentifyFile(file->get());
    if (identity.ok() && identity->is_regular) {
      // The dynamic loader looks for a name without a slash elsewhere.
      return absl::StrContains(place, '/') ? place : absl::StrCat("./", place);
    }
  }
  return absl::NotFoundError(
      absl::StrCat("no library '", library, "': looked for ", absl::StrJoin(places, ", ")));
}

absl::StatusOr<Plugin> Plugin::Load(const std::string& library) {
  const absl::StatusOr<std::string> path = FindPlugin(library);
  if (!path.ok()) return path.status();
  // All symbols now: one that is missing is an error here, not the end of a process in a job.
  void* const handle = ::dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(*path, " cannot be loaded as a library: ", ::dlerror()));
  }
  void* const symbol = ::dlsym(handle, kDescriptionSymbol);
  if (symbol == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(*path, " is no Windlass plug-in: it has no ", kDescriptionSymbol,
                     "(), which WINDLASS_HANDLER of <windlass/handler.h> makes"));
  }
  plugin::DescriptionFunction describe;
  static_assert(sizeof(describe) == sizeof(symbol));
  std::memcpy(&describe, &symbol, sizeof(describe));
  const plugin::Description* const description = describe();
  if (absl::Status fits = CheckAbi(*path, description); !fits.ok()) return fits;
  return Plugin(*path, description);
}

std::vector<std::string> Plugin::EntryNames() const {
  std::vector<std::string> names;
  for (const plugin::Entry* entry = description_->entries; entry != nullptr; entry = entry->next)
    names.emplace_back(entry->name);
  std::reverse(names.begin(), names.end());  // the last one is linked first
  return names;
}

absl::StatusOr<std::string> Plugin::Choose(absl::string_view entry, absl::string_view name) const {
  const std::vector<std::string> names = EntryNames();
  const std::string wanted(entry.empty() ? name : entry);
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return wanted;
  if (entry.empty() && names.size() == 1) return names[0];
  return NoSuchEntry(path_, wanted, names);
}

absl::StatusOr<std::unique_ptr<Handler>> Plugin::Make(absl::string_view name) const {
  const plugin::Entry* entry = description_->entries;
  while (entry != nullptr && entry->name != name) entry = entry->next;
  if (entry == nullptr) return NoSuchEntry(path_, name, EntryNames());
  std::string trouble = "made nothing";
  try {
    std::unique_ptr<Handler> made = entry->make();
    if (made != nullptr) return made;
  } catch (const std::exception& error) {
    trouble = absl::StrCat("threw an exception: ", error.what());
  } catch (...) {
    trouble = "threw an exception";
  }
  return absl::InternalError(
      absl::StrCat("the constructor of '", name, "' in ", path_, " ", trouble));
}

absl::Status CheckPlugins(const Config& config) {
  for (const HandlerConfig& handler : config.handlers) {
    if (handler.library.empty()) continue;
    const absl::StatusOr<Plugin> plugin = Plugin::Load(handler.library);
    const absl::Status usable =
        plugin.ok() ? plugin->Choose(handler.entry, handler.name).status() : plugin.status();
    if (!usable.ok()) {
      return absl::Status(usable.code(),
                          absl::StrCat("handler ", handler.name, ": ", usable.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace windlass

#pragma once
#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "../core/error.hpp"

OCTET_BEGIN
namespace detail {

/// The operators that a file needs and octet lacks, each with how often it occurs and where it occurs first.
class MissingOperators {
 public:
  /// where: a function that describes the node, called for the first one of each type.
  template <class Where>
  void add(const std::string& type, Where where) {
    const auto [place, fresh] = places_.emplace(type, all_.size());
    if (fresh) all_.push_back({type, 0, where().substr(0, longest)});
    ++all_[place->second].count;
  }

  /// Throws an error that names them all, the most frequent first.
  void require_none(const std::string& source) {
    if (all_.empty()) return;
    std::stable_sort(all_.begin(), all_.end(), [](const Entry& a, const Entry& b) { return a.count > b.count; });
    std::string text;
    for (std::size_t i = 0; i < std::min(all_.size(), most); ++i) text += "\n  " + line(all_[i]);
    if (all_.size() > most) text += "\n  and " + std::to_string(all_.size() - most) + " other operators";
    fail<FormatError>("'", source, "' needs ", all_.size(), all_.size() == 1 ? " operator" : " operators",
                      " that octet does not have:", text);
  }

 private:
  static constexpr std::size_t most = 200, longest = 1000;  // lines of a message, characters of a place
  struct Entry {
    std::string type;
    std::size_t count;
    std::string first;
  };

  static std::string line(const Entry& e) {
    const std::string start = "the operator " + e.type + " is not supported, and not registered (register_operator): ";
    return start + (e.count == 1 ? "" : std::to_string(e.count) + " times, first ") + e.first;
  }

  std::vector<Entry> all_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace detail
OCTET_END

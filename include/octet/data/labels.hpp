#pragma once
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "csv.hpp"

OCTET_BEGIN
namespace detail {

constexpr std::int64_t max_classes = 1'000'000;

/// The text as a number in [0, max_classes), or nullopt.
inline std::optional<std::int64_t> class_number(const std::string& s) {
  if (s.empty() || s.size() > 6 || s.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::strtoll(s.c_str(), nullptr, 10);
}

}  // namespace detail

/// Names of the classes of a model: name i belongs to output i. A class can have further names (synsets, synonyms).
class Labels {
 public:
  Labels() = default;
  /// One name for each output.
  explicit Labels(const std::vector<std::string>& names) {
    for (const std::string& n : names) set(size(), n);
  }

  /// Number of classes.
  std::int64_t size() const noexcept { return static_cast<std::int64_t>(names_.size()); }
  /// Whether there are no names.
  bool empty() const noexcept { return names_.empty(); }
  /// The name of class i; for example "class 17" if the list does not have it.
  std::string name(std::int64_t i) const {
    const bool known = i >= 0 && i < size() && !names_[static_cast<std::size_t>(i)].empty();
    return known ? names_[static_cast<std::size_t>(i)] : "class " + std::to_string(i);
  }

  /// The classes with that name (several may share it: ImageNet has two classes named crane), else those with that
  /// further name, ignoring case, else the class with that number. Empty if there is none. In an empty list, every
  /// number is a class.
  std::vector<std::int64_t> find_all(const std::string& name_or_number) const {
    const std::string key = detail::trimmed(name_or_number);
    if (const auto it = by_name_.find(key); it != by_name_.end()) return it->second;
    for (const std::string& k : {key, detail::lowered(key)})
      if (const auto it = by_alias_.find(k); it != by_alias_.end()) return it->second;
    const auto number = detail::class_number(key);
    if (number && (empty() || *number < size())) return {*number};
    return {};
  }
  /// The first of find_all(), if any.
  std::optional<std::int64_t> find(const std::string& name_or_number) const {
    const std::vector<std::int64_t> all = find_all(name_or_number);
    return all.empty() ? std::nullopt : std::optional<std::int64_t>(all[0]);
  }

  /// Sets the name of class i. "tench, Tinca tinca" is also found as "tench".
  void set(std::int64_t i, const std::string& name) {
    detail::require<FormatError>(i >= 0 && i < detail::max_classes, "expected a class from 0 to ",
                                 detail::max_classes - 1, ", found ", i);
    if (i >= size()) names_.resize(static_cast<std::size_t>(i) + 1);
    names_[static_cast<std::size_t>(i)] = name;
    if (!name.empty()) add(by_name_[name], i);
    add_alias(i, name);
    if (const auto comma = name.find(','); comma != std::string::npos)
      add_alias(i, detail::trimmed(name.substr(0, comma)));
  }
  /// A further name of class i, found with and without regard to case. Does nothing if it is empty.
  void add_alias(std::int64_t i, const std::string& alias) {
    if (alias.empty()) return;
    add(by_alias_[alias], i);
    add(by_alias_[detail::lowered(alias)], i);
  }

  /// The list adjusted to a model with that number of outputs. ImageNet models have 1000, or 1001 with "background"
  /// first, which is removed or added as needed.
  Labels fitted(std::int64_t classes) const {
    const bool with_background =
        !empty() && (detail::lowered(names_[0]) == "background" || detail::lowered(names_[0]) == "dummy");
    const std::int64_t shift = with_background && size() == classes + 1                ? -1
                               : !with_background && classes == 1001 && size() == 1000 ? 1
                                                                                       : 0;
    if (shift == 0) return *this;
    Labels r;
    if (shift == 1) r.set(0, "background");
    for (std::int64_t i = std::max<std::int64_t>(0, -shift); i < size(); ++i)
      r.set(i + shift, names_[static_cast<std::size_t>(i)]);
    for (const auto& [alias, named] : by_alias_)
      for (std::int64_t i : named)
        if (i + shift >= 0) r.add_alias(i + shift, alias);
    return r;
  }

 private:
  static void add(std::vector<std::int64_t>& classes, std::int64_t i) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), i);
    if (at == classes.end() || *at != i) classes.insert(at, i);
  }
  std::vector<std::string> names_;
  std::map<std::string, std::vector<std::int64_t>> by_name_, by_alias_;
};

OCTET_END

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "../core/tensor.hpp"
#include "../files/read_file.hpp"
#include "csv.hpp"

OCTET_BEGIN
namespace detail {

constexpr std::int64_t max_classes = 1'000'000;

/// The text as a number in [0, max_classes), or nullopt.
inline std::optional<std::int64_t> class_number(const std::string& s) {
  if (s.empty() || s.size() > 6 || s.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::strtoll(s.c_str(), nullptr, 10);
}

/// Whether the text begins with an ImageNet synset such as n01440764.
inline bool starts_with_synset(const std::string& s) {
  return s.size() >= 9 && s[0] == 'n' && s.substr(1, 8).find_first_not_of("0123456789") == std::string::npos &&
         (s.size() == 9 || s[9] == ' ' || s[9] == '\t');
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

namespace detail {

inline Labels labels_from_csv(std::vector<CsvRow> rows, const std::string& what) {
  constexpr const char* headings[] = {"label",  "name",  "class", "class_name", "wnid",
                                      "synset", "index", "id",    "number"};
  const auto is_heading = [&](const std::string& f) {
    return std::find(std::begin(headings), std::end(headings), lowered(trimmed(f))) != std::end(headings);
  };
  require<FormatError>(!rows.empty() && !rows[0].empty(), what, " is empty");
  std::size_t name = rows[0].size() - 1;
  if (std::all_of(rows[0].begin(), rows[0].end(), is_heading)) {
    for (std::size_t c = rows[0].size(); c-- > 0;)
      if (const std::string h = lowered(trimmed(rows[0][c])); h == "label" || h == "name" || h == "class_name")
        name = c;
    rows.erase(rows.begin());
  }
  const auto numbered = [&](const CsvRow& r) { return r.size() > 1 && name != 0 && class_number(trimmed(r[0])); };
  const bool indexed = std::all_of(rows.begin(), rows.end(), numbered);
  Labels labels;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    require<FormatError>(name < rows[r].size(), what, ": row ", r + 1, " has ", rows[r].size(),
                         " columns, expected at least ", name + 1);
    const std::int64_t i = indexed ? *class_number(trimmed(rows[r][0])) : static_cast<std::int64_t>(r);
    labels.set(i, trimmed(rows[r][name]));
    for (std::size_t c = indexed ? 1 : 0; c < rows[r].size(); ++c)
      if (c != name) labels.add_alias(i, trimmed(rows[r][c]));
  }
  return labels;
}

inline Labels labels_from_lines(const std::string& text, const std::string& what) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(trimmed(text.substr(at, end - at)));
    at = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  require<FormatError>(!lines.empty(), what, " is empty");
  require<FormatError>(static_cast<std::int64_t>(lines.size()) <= max_classes, what, " has more than ", max_classes,
                       " lines");
  // "17:name" or "17 name". Lines with only a number are names.
  const auto split = [](const std::string& line) { return line.find_first_of(": \t"); };
  const bool indexed = std::all_of(lines.begin(), lines.end(), [&](const std::string& l) {
    return l.empty() || (split(l) != std::string::npos && class_number(l.substr(0, split(l))));
  });
  Labels labels;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    std::int64_t i = static_cast<std::int64_t>(l);
    std::string name = lines[l], synset;
    if (indexed && !name.empty()) {
      i = *class_number(name.substr(0, split(name)));
      name = trimmed(name.substr(split(name) + 1));
    }
    if (starts_with_synset(name) && name.size() > 9) {
      synset = name.substr(0, 9);
      name = trimmed(name.substr(9));
    }
    labels.set(i, name);
    labels.add_alias(i, synset);
  }
  return labels;
}

}  // namespace detail

/// Reads a list of classes. Text files have one class per line: "name", "index:name", "index name" or "n01440764 tench,
/// ...". In .csv files, the column `label` or `name` (else the last) has the names; other columns are further names or,
/// if the first one is a number, the index. Throws FormatError if the file is not valid.
inline Labels load_labels(const std::string& path) {
  const std::string text = detail::read_file(path, std::int64_t{64} << 20), what = "label list '" + path + "'";
  const bool csv = path.size() > 4 && detail::lowered(path.substr(path.size() - 4)) == ".csv";
  return csv ? detail::labels_from_csv(detail::parse_csv(text, what), what) : detail::labels_from_lines(text, what);
}

/// A class and its probability.
struct Prediction {
  std::int64_t index = 0;  ///< of the output
  std::string name;        ///< of the class, see Labels::name
  double probability = 0;  ///< in [0, 1]
};

/// Whether outputs are probabilities: within [0, 1] and with a sum of about 1 (quantization changes it).
inline bool are_probabilities(View<const float> outputs) {
  double sum = 0;
  for (float p : outputs) {
    if (!(p >= 0 && p <= 1)) return false;
    sum += static_cast<double>(p);
  }
  return sum > 0.5 && sum < 1.1;
}

/// The k most probable classes of one image, best first. `outputs`: [classes], probabilities or logits, to which
/// softmax is applied. Equal ones are in order of their index.
inline std::vector<Prediction> decode_predictions(View<const float> outputs, const Labels& labels = {}, int k = 5) {
  const bool ready = are_probabilities(outputs);
  double sum = 1;
  float largest = 0;
  if (!ready) {
    largest = -std::numeric_limits<float>::infinity();
    for (float x : outputs) largest = std::max(largest, x);
    sum = 0;
    for (float x : outputs) sum += std::exp(static_cast<double>(x - largest));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(outputs.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  // NaN is sorted last.
  const auto better = [&](std::int64_t a, std::int64_t b) {
    const bool nan_a = std::isnan(outputs[a]), nan_b = std::isnan(outputs[b]);
    if (nan_a || nan_b) return nan_a == nan_b ? a < b : nan_b;
    return outputs[a] > outputs[b] || (outputs[a] == outputs[b] && a < b);
  };
  const auto top = std::min(order.size(), static_cast<std::size_t>(std::max(0, k)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(), better);
  std::vector<Prediction> best;
  for (std::size_t i = 0; i < top; ++i) {
    const auto x = static_cast<double>(outputs[order[i]]);
    best.push_back({order[i], labels.name(order[i]), ready ? x : std::exp(x - static_cast<double>(largest)) / sum});
  }
  return best;
}

OCTET_END

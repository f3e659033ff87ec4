#pragma once
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <octet/comparison/comparison.hpp>

namespace report {
using namespace octet;

/// Number of characters in a UTF-8 text.
inline std::size_t characters(const std::string& s) {
  return static_cast<std::size_t>(std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// Shortens a UTF-8 text to at most `most` (3 or more) characters. Cuts after the middle, where names differ least.
inline std::string shortened(const std::string& s, std::size_t most) {
  const std::size_t size = characters(s);
  if (size <= most) return s;
  const std::size_t front = most * 5 / 8, back = size - (most - 1 - front);
  std::string begin, end;
  std::size_t at = 0;  // index of the next character
  for (char c : s) {
    at += (c & 0xc0) != 0x80;
    if (at <= front) begin += c;
    if (at > back) end += c;
  }
  return begin + "\xe2\x80\xa6" + end;
}

/// Replaces control characters, which a terminal would interpret, by '?'.
inline std::string printable(std::string s) {
  for (char& c : s)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return s;
}

/// A table as text. The first column is left-aligned, the others are right-aligned.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  /// Adds a row. Missing cells at its end stay empty.
  void add(std::vector<std::string> row) {
    row.resize(rows_[0].size());
    for (std::string& cell : row) cell = printable(cell);
    rows_.push_back(std::move(row));
  }
  /// Adds a line of text across all columns.
  void add_line(const std::string& text) { rows_.push_back({printable(text)}); }
  const std::vector<std::vector<std::string>>& rows() const noexcept { return rows_; }

  /// The table as text. If `most` is not 0, names in the first column are shortened (to 16 characters at the least) so
  /// that lines have at most `most` characters.
  std::string str(std::size_t most = 0) const {
    std::vector<std::size_t> widths(rows_[0].size(), 0);
    for (const auto& row : rows_)
      for (std::size_t c = 0; row.size() == widths.size() && c < widths.size(); ++c)
        widths[c] = std::max(widths[c], characters(row[c]));
    std::size_t total = 2 * (widths.size() - 1);
    for (std::size_t w : widths) total += w;
    if (most > 0 && total > most) {
      const std::size_t over = total - most,
                        name = widths[0] > over + 16 ? widths[0] - over : std::min<std::size_t>(widths[0], 16);
      total -= widths[0] - name;
      widths[0] = name;
    }
    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      std::string line;
      if (rows_[r].size() != widths.size()) line = rows_[r][0];
      for (std::size_t c = 0; c < widths.size() && rows_[r].size() == widths.size(); ++c) {
        const std::string cell = shortened(rows_[r][c], widths[c]);
        const std::string space(widths[c] - characters(cell), ' ');
        line += c == 0 ? cell + space : "  " + space + cell;
      }
      text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
      if (r == 0) text += std::string(total, '-') + '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

inline std::string fixed(double x, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}
/// Formats a number with three significant digits: 123, 12.3, 1.23, 0.123, 0.0123.
inline std::string significant(double x) {
  const double a = std::abs(x);
  return fixed(x, a >= 99.95 ? 0 : a >= 9.995 ? 1 : a >= 0.9995 ? 2 : a >= 0.0995 || a == 0 ? 3 : 4);
}
/// Formats a number with an SI prefix: "20.4 k", "3.49 M", "4.09 G".
inline std::string with_prefix(std::int64_t n) {
  const auto x = static_cast<double>(n);
  return n < 1000  ? std::to_string(n)
         : x < 1e6 ? significant(x / 1e3) + " k"
         : x < 1e9 ? significant(x / 1e6) + " M"
                   : significant(x / 1e9) + " G";
}
inline std::string percent(const std::optional<double>& x, int digits = 2) {
  return x ? fixed(100 * *x, digits) + " %" : "-";
}
inline std::string megabytes(std::int64_t bytes) { return significant(static_cast<double>(bytes) / 1e6); }

/// The comparison as a table with a column for each variant.
inline TextTable comparison_table(const ComparisonResult& r) {
  std::vector<std::string> header{""};
  for (const VariantResult& v : r.variants) header.push_back(v.title);
  TextTable table(header);
  const auto row = [&](const std::string& name, auto cell) {
    std::vector<std::string> cells{name};
    for (const VariantResult& v : r.variants) cells.push_back(cell(v));
    table.add(std::move(cells));
  };
  const bool labels = r.original().top1.has_value(), several = r.variants.size() > 1;
  if (several)
    row("Time to quantize (s)",
        [&](const VariantResult& v) { return &v == &r.original() ? "-" : significant(v.quantize_seconds); });
  row("Size (MB)", [](const VariantResult& v) { return megabytes(v.size_bytes); });
  if (r.original().size_bytes < 1'000'000)
    row("Size (bytes)", [](const VariantResult& v) { return std::to_string(v.size_bytes); });
  if (!r.original().weights.empty()) row("Weights", [](const VariantResult& v) { return v.weights; });
  if (labels) row("Top-1 accuracy", [](const VariantResult& v) { return percent(v.top1); });
  if (labels) row("Top-5 accuracy", [](const VariantResult& v) { return percent(v.top5); });
  if (several && r.classifier) row("Agreement with float", [](const VariantResult& v) { return percent(v.agreement); });
  row("Inference time, median (ms)", [](const VariantResult& v) { return significant(v.median_ms); });
  row("Inference time, min (ms)", [](const VariantResult& v) { return significant(v.min_ms); });
  if (several)
    row("Speed-up",
        [&](const VariantResult& v) { return fixed(r.original().median_ms / std::max(v.median_ms, 1e-9), 2) + " x"; });
  row("Arena memory (MB)", [](const VariantResult& v) { return megabytes(v.arena_bytes); });
  return table;
}

}  // namespace report

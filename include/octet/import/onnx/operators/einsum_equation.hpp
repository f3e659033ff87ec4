#pragma once
#include "../node.hpp"

/// The equation of an Einsum: the labels of its tensors' dimensions.
OCTET_BEGIN
namespace detail::onnx {

/// The labels of a tensor's dimensions: letters, and numbers above for those of an ellipsis, aligned at the last one.
using Labels = std::vector<int>;

inline bool contains(const Labels& all, int label) { return std::find(all.begin(), all.end(), label) != all.end(); }
inline int place_of(const Labels& all, int label) {
  return static_cast<int>(std::find(all.begin(), all.end(), label) - all.begin());
}

/// A term of the equation. `rank` < 0: the result, whose ellipsis has `dots` dimensions.
inline Labels labels_of(const NodeImport& n, std::string_view term, int rank, int dots) {
  Labels all;
  int letters = 0;
  for (char c : term) letters += c != '.';
  const bool has_dots = static_cast<int>(term.size()) > letters;
  const int own = !has_dots ? 0 : rank < 0 ? dots : rank - letters;
  n.require(rank < 0 || (own >= 0 && letters + own == rank), "the term '", term, "' does not fit a tensor of ", rank,
            " dimensions");
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term[i] != '.') {
      n.require(std::isalpha(static_cast<unsigned char>(term[i])) != 0, "unexpected '", term[i], "' in the equation");
      n.require(!contains(all, term[i]), "the index ", term[i], " is twice in '", term, "', which is not supported");
      all.push_back(term[i]);
      continue;
    }
    n.require(term.substr(i, 3) == "..." && !contains(all, 512 - 1) && letters + 3 == static_cast<int>(term.size()),
              "expected one '...' in '", term, "'");
    for (int d = 0; d < own; ++d) all.push_back(512 - own + d);
    i += 2;
  }
  return all;
}

struct Equation {
  std::vector<Labels> in;
  Labels out;

  explicit Equation(const NodeImport& n) {
    std::string text = n.text("equation");
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    n.require(!text.empty() && text.size() < 256, "expected an equation");
    const std::size_t arrow = text.find("->");
    const std::string left = text.substr(0, arrow);
    int dots = 0;
    for (std::size_t from = 0, i = 0; from <= left.size(); ++i) {
      const std::size_t to = std::min(left.find(',', from), left.size());
      n.require(n.has(static_cast<int>(i)), "has more terms than inputs");
      in.push_back(
          labels_of(n, std::string_view(left).substr(from, to - from), n.input(static_cast<int>(i)).rank(), 0));
      dots = std::max(dots, static_cast<int>(std::count_if(in[i].begin(), in[i].end(), is_dot)));
      from = to + 1;
    }
    n.require(static_cast<int>(in.size()) == n.inputs(), "has ", n.inputs(), " inputs and ", in.size(), " terms");
    if (arrow != std::string::npos)
      out = labels_of(n, std::string_view(text).substr(arrow + 2), -1, dots);
    else
      out = implied(dots);
    for (int label : out)
      n.require(std::any_of(in.begin(), in.end(), [&](const Labels& l) { return contains(l, label); }),
                "the result has an index that no input has");
  }

 private:
  static bool is_dot(int label) { return label >= 256; }
  /// The ellipsis, and all letters that occur once, in alphabetical order.
  Labels implied(int dots) const {
    Labels r;
    for (int d = 0; d < dots; ++d) r.push_back(512 - dots + d);
    for (int c = 'A'; c <= 'z'; ++c) {
      std::ptrdiff_t count = 0;
      for (const Labels& l : in) count += std::count(l.begin(), l.end(), c);
      if (count == 1) r.push_back(c);
    }
    return r;
  }
};

}  // namespace detail::onnx
OCTET_END

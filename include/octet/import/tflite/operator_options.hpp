#pragma once
#include "../../operators/activation_range.hpp"
#include "../../operators/window.hpp"
#include "tensors.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// The options of an operator by the number of their field, with a default for missing ones; and its errors.
class OperatorOptions {
 public:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    detail::fail<FormatError>(parts...);
  }
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    detail::require<FormatError>(condition, parts...);
  }

  std::int64_t integer(int field, std::int32_t missing = 0) const {
    return options_.scalar<std::int32_t>(field, missing);
  }
  int choice(int field) const { return options_.scalar<std::int8_t>(field); }
  bool flag(int field) const { return options_.scalar<std::uint8_t>(field) != 0; }
  double real(int field) const { return static_cast<double>(options_.scalar<float>(field)); }
  std::vector<std::int64_t> list(int field) const {
    const FlatList<std::int32_t> l = options_.list<std::int32_t>(field);
    tensors_.spend(8 * l.size());
    std::vector<std::int64_t> r;
    for (std::size_t i = 0; i < l.size(); ++i) r.push_back(l[i]);
    return r;
  }
  /// A copy of the options of a custom operator, whose format that operator defines.
  std::vector<std::uint8_t> custom_options() const {
    tensors_.spend(custom_options_.size());
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < custom_options_.size(); ++i) bytes.push_back(custom_options_[i]);
    return bytes;
  }
  ActivationRange activation(int field) const {
    constexpr double inf = std::numeric_limits<double>::infinity();
    switch (choice(field)) {
      case 0: return {};
      case 1: return {0, inf};
      case 2: return {-1, 1};
      case 3: return {0, 6};
      default: fail("the fused activation ", choice(field), " is not supported");
    }
  }
  /// A 2-D window. Its padding and strides are fields 0, 2 and 1; `dilation` is the field of the horizontal dilation,
  /// or -1.
  Window window(std::int64_t height, std::int64_t width, int dilation) const {
    Window w(height, width);
    require(choice(0) == 0 || choice(0) == 1, "padding ", choice(0), " is not supported");
    w.padding = choice(0) == 0 ? Window::Padding::same_upper : Window::Padding::valid;
    w.strides = {integer(2), integer(1)};
    if (dilation >= 0) w.dilations = {integer(dilation + 1, 1), integer(dilation, 1)};
    return w;
  }

 protected:
  OperatorOptions(TensorReader& tensors, const FlatTable& op)
      : tensors_(tensors),
        options_(op.table(operator_field::options)),
        custom_options_(op.list<std::uint8_t>(operator_field::custom_options)) {}

 private:
  TensorReader& tensors_;  // for their budget of memory
  FlatTable options_;
  FlatList<std::uint8_t> custom_options_;
};

}  // namespace detail::tflite
OCTET_END

#pragma once
#include "../../operators/register_operator.hpp"
#include "flex_map.hpp"
#include "operator_import.hpp"

/// Import of custom operators, see register_operator.
OCTET_BEGIN
namespace detail::tflite {

/// Sets an operator's parameters from options with the same names.
class CustomOptionsReader : public FieldVisitor {
 public:
  explicit CustomOptionsReader(std::map<std::string, FlexValue> options) : options_(std::move(options)) {}
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override {
    take(name, "an integer", [&](const FlexValue& x) {
      const bool fits = x.is_whole && is_number(x);
      if (fits) v = x.integers[0];
      return fits;
    });
  }
  void field(const char* name, double& v) override {
    take(name, "a number", [&](const FlexValue& x) {
      if (is_number(x)) v = x.reals[0];
      return is_number(x);
    });
  }
  void field(const char* name, std::string& v) override {
    take(name, "a text", [&](const FlexValue& x) {
      v = x.text;
      return x.is_text;
    });
  }
  void field(const char* name, std::vector<std::int64_t>& v) override {
    take(name, "a list of integers", [&](const FlexValue& x) {
      v = x.integers;
      return x.is_list && x.is_whole;
    });
  }
  void field(const char* name, std::vector<double>& v) override {
    take(name, "a list of numbers", [&](const FlexValue& x) {
      v = x.reals;
      return x.is_list;
    });
  }
  /// Options that are not parameters.
  const std::map<std::string, FlexValue>& left() const noexcept { return options_; }

 private:
  static bool is_number(const FlexValue& x) { return !x.is_text && !x.is_list; }
  /// use: sets the parameter. Returns false if the option has another kind.
  template <class Use>
  void take(const char* name, const char* kind, Use use) {
    const auto it = options_.find(name);
    if (it == options_.end()) return;
    require<FormatError>(use(it->second), "option '", name, "' is not ", kind);
    options_.erase(it);
  }
  std::map<std::string, FlexValue> options_;
};

inline void import_own_operator(OperatorImport& n, const OperatorType& type) {
  const std::vector<std::uint8_t> bytes = n.custom_options();
  CustomOptionsReader reader(bytes.empty() ? std::map<std::string, FlexValue>() : FlexReader(bytes).map());
  const std::shared_ptr<Operator> op = type.make();
  op->fields(reader);
  n.require(reader.left().empty(), "has the option '", reader.left().empty() ? "" : reader.left().begin()->first,
            "', but operator '", type.name, "' has no such parameter");
  std::vector<int> in;
  for (int i = 0; i < n.inputs(); ++i) in.push_back(n.optional(i));
  n.add(OperatorPtr(op), in, 0, n.outputs());
}

}  // namespace detail::tflite
OCTET_END

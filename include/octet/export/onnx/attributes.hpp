#pragma once
#include <vector>

#include "../../graph/fields.hpp"
#include "proto_writer.hpp"

OCTET_BEGIN
namespace detail::onnx {

/// The attributes of a node, in the order of the calls.
class Attributes {
 public:
  Attributes& integer(const char* name, std::int64_t x) {
    return add(name, 2, [&](ProtoWriter& a) { a.integer(3, x); });
  }
  Attributes& real(const char* name, double x) {
    return add(name, 1, [&](ProtoWriter& a) { a.real(2, static_cast<float>(x)); });
  }
  Attributes& text(const char* name, std::string_view x) {
    return add(name, 3, [&](ProtoWriter& a) { a.text(4, x); });
  }
  Attributes& integers(const char* name, const std::vector<std::int64_t>& all) {
    return add(name, 7, [&](ProtoWriter& a) {
      for (std::int64_t x : all) a.integer(8, x);
    });
  }
  Attributes& reals(const char* name, const std::vector<double>& all) {
    return add(name, 6, [&](ProtoWriter& a) {
      for (double x : all) a.real(7, static_cast<float>(x));
    });
  }
  /// The messages.
  const std::vector<ProtoWriter>& all() const noexcept { return all_; }

 private:
  template <class Write>
  Attributes& add(const char* name, int type, Write write) {
    ProtoWriter a;
    a.text(1, name);
    write(a);
    a.integer(20, type);
    all_.push_back(std::move(a));
    return *this;
  }
  std::vector<ProtoWriter> all_;
};

/// Every parameter of an operator as an attribute with its name.
class AttributeWriter : public FieldVisitor {
 public:
  explicit AttributeWriter(Attributes& to) : to_(to) {}
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { to_.integer(name, v); }
  void field(const char* name, double& v) override { to_.real(name, v); }
  void field(const char* name, std::string& v) override { to_.text(name, v); }
  void field(const char* name, std::vector<std::int64_t>& v) override { to_.integers(name, v); }
  void field(const char* name, std::vector<double>& v) override { to_.reals(name, v); }

 private:
  Attributes& to_;
};

}  // namespace detail::onnx
OCTET_END

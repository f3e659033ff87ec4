#pragma once
#include <algorithm>
#include <map>
#include <variant>

#include "../files/archive.hpp"
#include "../operators/register_operator.hpp"

/// Serialization of operators: the name of the type, then name and value of each parameter that does not have its
/// default value. So parameters can be added to operators, but the defaults of existing ones are part of the file
/// format.
OCTET_BEGIN
namespace detail {

using FieldValue = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;

class FieldWriter : public FieldVisitor {
 public:
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { add(name, 0, v); }
  void field(const char* name, double& v) override { add(name, 1, v); }
  void field(const char* name, std::string& v) override { add(name, 2, v); }
  void field(const char* name, std::vector<std::int64_t>& v) override { add(name, 3, v); }
  void field(const char* name, std::vector<double>& v) override { add(name, 4, v); }

  static void write(const Operator& op, ArchiveWriter& to) {
    const OperatorType* type = find_operator(op.type());
    require(type != nullptr, "operators of type ", op.type(),
            " cannot be saved: one of the program's own has to be registered (register_operator)");
    const std::shared_ptr<Operator> copy = type->copy(op);  // visitors take non-const references
    FieldWriter fields, defaults;
    copy->fields(fields);
    type->make()->fields(defaults);
    std::vector<std::string>& entries = fields.entries_;
    const auto is_default = [&](const std::string& entry) {
      return std::find(defaults.entries_.begin(), defaults.entries_.end(), entry) != defaults.entries_.end();
    };
    entries.erase(std::remove_if(entries.begin(), entries.end(), is_default), entries.end());
    to.put(std::string(op.type()));
    to.put_count(entries.size());
    for (const std::string& entry : entries) to.put_bytes(entry.data(), entry.size());
  }

 private:
  template <class T>
  void add(const char* name, std::uint8_t kind, const T& value) {
    ArchiveWriter entry;
    entry.put(std::string(name));
    entry.put(kind);
    entry.put(value);
    entries_.push_back(entry.bytes());
  }
  std::vector<std::string> entries_;  // one per parameter
};

class FieldReader : public FieldVisitor {
 public:
  using FieldVisitor::field;
  void field(const char* name, std::int64_t& v) override { take(name, v); }
  void field(const char* name, double& v) override { take(name, v); }
  void field(const char* name, std::string& v) override { take(name, v); }
  void field(const char* name, std::vector<std::int64_t>& v) override { take(name, v); }
  void field(const char* name, std::vector<double>& v) override { take(name, v); }

  static OperatorPtr read(ArchiveReader& from) {
    const std::string type = from.get_text();
    const OperatorType* known = find_operator(type);
    require<FormatError>(known != nullptr, "unknown operator type '", type,
                         "'; custom operators have to be registered first (register_operator)");
    const std::shared_ptr<Operator> op = known->make();
    FieldReader fields;
    for (std::size_t n = from.get_count(3); n > 0; --n) {
      std::string name = from.get_text();
      fields.values_[std::move(name)] = value(from);
    }
    op->fields(fields);
    require<FormatError>(fields.values_.empty(), "operator ", type, ": unknown parameter '",
                         fields.values_.empty() ? "" : fields.values_.begin()->first, "'");
    return op;
  }

 private:
  static FieldValue value(ArchiveReader& from) {
    switch (from.get_enum<std::uint8_t>(4)) {
      case 0: return from.get<std::int64_t>();
      case 1: return from.get<double>();
      case 2: return from.get_text();
      case 3: return from.get_list<std::int64_t>();
      default: return from.get_list<double>();
    }
  }
  template <class T>
  void take(const char* name, T& value) {
    const auto found = values_.find(name);
    if (found == values_.end()) return;
    T* of_type = std::get_if<T>(&found->second);
    require<FormatError>(of_type != nullptr, "parameter '", name, "' has the wrong type");
    value = std::move(*of_type);
    values_.erase(found);
  }
  std::map<std::string, FieldValue> values_;
};

}  // namespace detail
OCTET_END

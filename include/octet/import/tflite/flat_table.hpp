#pragma once
#include <flatbuffers/flatbuffers.h>

#include <string_view>

#include "../../core/element.hpp"

OCTET_BEGIN
namespace detail::tflite {

/// A list of numbers in a file, which may be unaligned.
template <class T>
class FlatList {
 public:
  FlatList() = default;
  FlatList(const std::uint8_t* first, std::size_t size)
      : first_(reinterpret_cast<const std::byte*>(first)), size_(size) {}
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T operator[](std::size_t i) const noexcept { return load_as<T>(first_, static_cast<std::int64_t>(i)); }
  const std::byte* data() const noexcept { return first_; }

 private:
  const std::byte* first_ = nullptr;
  std::size_t size_ = 0;
};

class FlatTables;

/// A table of a FlatBuffers file. Fields are identified by their number. The verifier checks every access before it is
/// made. A missing table has no fields.
class FlatTable {
 public:
  FlatTable() = default;
  FlatTable(const std::uint8_t* table, flatbuffers::Verifier& verifier)
      : table_(reinterpret_cast<const flatbuffers::Table*>(table)), verifier_(&verifier) {
    check(table_->VerifyTableStart(verifier) && verifier.EndTable());
  }
  explicit operator bool() const noexcept { return table_ != nullptr; }

  template <class T>
  T scalar(int field, T missing = {}) const {
    if (!table_) return missing;
    check(table_->VerifyField<T>(*verifier_, slot(field), sizeof(T)));
    return table_->GetField<T>(slot(field), missing);
  }
  template <class T>
  FlatList<T> list(int field) const {
    const auto* v = pointer<flatbuffers::Vector<T>>(field);
    if (!v) return {};
    check(verifier_->VerifyVector(v));
    return {v->Data(), v->size()};
  }
  std::string_view text(int field) const {
    const auto* s = pointer<flatbuffers::String>(field);
    if (!s) return {};
    check(verifier_->VerifyString(s));
    return {s->c_str(), s->size()};
  }
  FlatTable table(int field) const {
    const auto* t = pointer<std::uint8_t>(field);
    return t ? FlatTable(t, *verifier_) : FlatTable();
  }
  inline FlatTables tables(int field) const;

 private:
  static constexpr flatbuffers::voffset_t slot(int field) { return static_cast<flatbuffers::voffset_t>(4 + 2 * field); }
  static void check(bool good) { require<FormatError>(good, "the file is damaged or truncated"); }

  template <class P>
  const P* pointer(int field) const {
    if (!table_) return nullptr;
    check(table_->VerifyOffset(*verifier_, slot(field)));
    return table_->GetPointer<const P*>(slot(field));
  }

  const flatbuffers::Table* table_ = nullptr;
  flatbuffers::Verifier* verifier_ = nullptr;
};

/// A list of tables. Each is checked when it is accessed.
class FlatTables {
 public:
  FlatTables(FlatList<flatbuffers::uoffset_t> offsets, flatbuffers::Verifier* verifier)
      : offsets_(offsets), verifier_(verifier) {}
  std::size_t size() const noexcept { return offsets_.size(); }
  FlatTable operator[](std::size_t i) const {
    const auto* at = reinterpret_cast<const std::uint8_t*>(offsets_.data()) + i * sizeof(flatbuffers::uoffset_t);
    const flatbuffers::uoffset_t offset = verifier_->VerifyOffset(at, 0);
    require<FormatError>(offset != 0, "the file is damaged or truncated");
    return {at + offset, *verifier_};
  }

 private:
  FlatList<flatbuffers::uoffset_t> offsets_;
  flatbuffers::Verifier* verifier_;
};

FlatTables FlatTable::tables(int field) const { return {list<flatbuffers::uoffset_t>(field), verifier_}; }

}  // namespace detail::tflite
OCTET_END

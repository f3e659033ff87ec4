#pragma once
#include "declare.hpp"

OCTET_BEGIN
namespace detail {

/// Base class of operators whose results have sizes that depend on the data (see Traits).
template <class Derived>
class DataSizedOperator : public OperatorOf<Derived> {
 public:
  Traits traits() const override {
    Traits t;
    t.data_sized = true;
    return t;
  }
};

}  // namespace detail
OCTET_END

#pragma once
#include "declare.hpp"

OCTET_BEGIN

/// Base class of operators whose results have sizes that depend on the data (see Traits::data_sized).
template <class Derived>
class DataSizedOperator : public OperatorOf<Derived> {
 public:
  /// Sets Traits::data_sized.
  Traits traits() const override {
    Traits t;
    t.data_sized = true;
    return t;
  }
};

OCTET_END

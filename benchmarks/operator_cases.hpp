#pragma once
#include <octet/graph/graph.hpp>
#include <string>
#include <vector>

/// An operator to measure, as a model of its own.
struct OperatorCase {
  std::string name, shape;
  octet::Model model;
  bool elementwise = false;  // int8 moves a quarter of the bytes, so that it may take at most half of the time
  bool weights = false;      // also has a form with dynamic range
};

/// Every operator in shapes as networks have them.
std::vector<OperatorCase> operator_cases();

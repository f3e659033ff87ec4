#pragma once
#include <octet/core/cpu.hpp>
#include <vector>

namespace testing {

/// All instruction sets of this machine, scalar first.
inline std::vector<octet::Isa> available_isas() {
  std::vector<octet::Isa> isas;
  for (octet::Isa isa : octet::all_isas)
    if (octet::has_isa(isa)) isas.push_back(isa);
  return isas;
}

/// Makes an instruction set active during its lifetime.
class UseIsa {
 public:
  explicit UseIsa(octet::Isa isa) : before_(octet::active_isa()) { octet::set_isa(isa); }
  ~UseIsa() { octet::set_isa(before_); }
  UseIsa(const UseIsa&) = delete;
  UseIsa& operator=(const UseIsa&) = delete;

 private:
  octet::Isa before_;
};

}  // namespace testing

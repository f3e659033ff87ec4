#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <octet/kernels/dispatch.hpp>
#include <string>

#include "support/isas.hpp"

using namespace octet;

TEST_CASE("cpu: an instruction set can be set if the CPU supports it") {
  const Isa before = active_isa();
  for (Isa isa : all_isas) {
    CAPTURE(name(isa));
    CHECK(set_isa(isa) == has_isa(isa));
    CHECK((active_isa() == isa) == has_isa(isa));
  }
  set_isa(before);
  {
    const testing::UseIsa use(Isa::scalar);
    CHECK(detail::kernels().isa == Isa::scalar);
  }
  CHECK(active_isa() == before);
  for (Isa isa : testing::available_isas()) CHECK(detail::kernels(isa).isa == isa);
}

// Run by tests/CMakeLists.txt with several values of the variable.
TEST_CASE("cpu: OCTET_ISA limits the instruction set") {
  const char* want = std::getenv("OCTET_ISA");
  Isa expected = detected_isa();
  for (Isa isa : testing::available_isas())
    if (want && std::string(want) == name(isa)) expected = isa;
  CHECK(std::string(name(active_isa())) == name(expected));
}

TEST_CASE("cpu: the detector agrees with the operating system") {
#if OCTET_X86
  std::ifstream info("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(info, line))
    if (line.compare(0, 5, "flags") == 0) flags = line + " ";
  if (flags.empty()) return;  // not Linux
  const auto has = [&](const char* flag) { return flags.find(" " + std::string(flag) + " ") != std::string::npos; };
  Isa expected = Isa::scalar;
  if (has("avx2") && has("fma") && has("f16c")) expected = has("avx_vnni") ? Isa::avxvnni : Isa::avx2;
  if (expected != Isa::scalar && has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq") &&
      has("avx512cd"))
    expected = !has("avx512_vnni") ? Isa::avx512bw : has("avx512_bf16") ? Isa::avx512bf16 : Isa::avx512vnni;
  CHECK(std::string(name(detected_isa())) == name(expected));
#endif
}

// Start-up code of a Cortex-M device, with semihosting in place of a serial port. No library is linked.
#include <cstddef>
#include <cstdint>

extern "C" {
extern std::uint32_t stack_top, data_begin, data_end, data_from, bss_begin, bss_end;
extern const unsigned char inputs[];
void reset();

void* memcpy(void* to, const void* from, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
  return to;
}
void* memset(void* to, int value, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) static_cast<char*>(to)[i] = static_cast<char>(value);
  return to;
}
}

__attribute__((section(".vectors"), used))
const void* const vectors[] = {&stack_top, reinterpret_cast<const void*>(&reset)};

void all();

namespace {

const unsigned char* next = inputs;

void semihosting(std::uint32_t operation, const void* argument) {
  register std::uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

}  // namespace

void receive(void* p, std::size_t n) {
  memcpy(p, next, n);
  next += n;
}

void send(const void* p, std::size_t n) {
  char text[65];
  for (std::size_t i = 0; i < n;) {
    std::size_t at = 0;
    for (; at < 64 && i < n; ++i) {
      const unsigned byte = static_cast<const unsigned char*>(p)[i];
      text[at++] = "0123456789abcdef"[byte >> 4];
      text[at++] = "0123456789abcdef"[byte & 15];
    }
    text[at] = 0;
    semihosting(0x04, text);  // SYS_WRITE0
  }
}

void reset() {
  volatile auto* access = reinterpret_cast<volatile std::uint32_t*>(0xe000ed88);  // CPACR: switches the FPU on
  *access = *access | 0xf00000u;
  __asm__ volatile("dsb\n isb" ::: "memory");
  for (std::uint32_t *to = &data_begin, *from = &data_from; to < &data_end;) *to++ = *from++;
  for (std::uint32_t* to = &bss_begin; to < &bss_end;) *to++ = 0;
  all();
  semihosting(0x18, reinterpret_cast<const void*>(0x20026));  // SYS_EXIT: the application is done
}

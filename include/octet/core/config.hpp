#pragma once
/// Version, ABI namespace and compiler differences.

#define OCTET_VERSION_MAJOR 0
#define OCTET_VERSION_MINOR 1
#define OCTET_VERSION_PATCH 0
#define OCTET_VERSION "0.1.0"

#if defined(__cpp_exceptions) && !defined(OCTET_NO_EXCEPTIONS)
#  define OCTET_EXCEPTIONS 1
#else
#  define OCTET_EXCEPTIONS 0
#endif

// One namespace per baseline instruction set, with exceptions and without: a program that compiles one file with
// -march=native and another without gets two copies of every inline function, instead of one picked by link order.
// With OCTET_COMPILED the name is always the same, so that any program can link the library. All of its files should
// then be compiled for a baseline that every target CPU supports.
#if defined(OCTET_COMPILED)
#  define OCTET_BASELINE v0_compiled
#elif defined(__AVX512BW__)
#  define OCTET_BASELINE v0_avx512
#elif defined(__AVX2__)
#  define OCTET_BASELINE v0_avx2
#elif defined(__AVX__) || defined(__SSE4_1__)
#  define OCTET_BASELINE v0_sse4
#elif defined(__ARM_FEATURE_MATMUL_INT8)
#  define OCTET_BASELINE v0_i8mm
#elif defined(__ARM_FEATURE_DOTPROD)
#  define OCTET_BASELINE v0_dotprod
#else
#  define OCTET_BASELINE v0
#endif
#if OCTET_EXCEPTIONS || defined(OCTET_COMPILED)
#  define OCTET_ABI OCTET_BASELINE
#else
#  define OCTET_JOIN(a, b) OCTET_JOIN_NAMES(a, b)
#  define OCTET_JOIN_NAMES(a, b) a##b
#  define OCTET_ABI OCTET_JOIN(OCTET_BASELINE, _no_exceptions)
#endif

// A header x.hpp declares, and x.inl next to it defines. In header-only use, the default, x.hpp includes x.inl at its
// end. A program that defines OCTET_COMPILED in all of its files links the library octet::compiled instead, which holds
// every x.inl once.
#if defined(OCTET_COMPILED)
#  define OCTET_API
#else
#  define OCTET_API inline
#endif

/// The contents of every header are between these two.
#define OCTET_BEGIN \
  namespace octet { \
  inline namespace OCTET_ABI {
#define OCTET_END \
  }               \
  }

#if (defined(__x86_64__) || defined(_M_X64)) && !defined(OCTET_PORTABLE)
#  define OCTET_X86 1
#else
#  define OCTET_X86 0
#endif
// (On big-endian AArch64, the lanes of vectors are in reverse order.)
#if defined(__aarch64__) && !defined(__AARCH64EB__) && defined(__GNUC__) && !defined(OCTET_PORTABLE)
#  define OCTET_ARM 1
#else
#  define OCTET_ARM 0
#endif

// The targets of AArch64 regions. g++ requires an architecture; clang before 16 supports only names of features.
#if defined(__clang__)
#  define OCTET_TARGET_DOTPROD "dotprod"
#  define OCTET_TARGET_I8MM "dotprod,i8mm"
#else
#  define OCTET_TARGET_DOTPROD "arch=armv8.2-a+dotprod"
#  define OCTET_TARGET_I8MM "arch=armv8.2-a+dotprod+i8mm"
#endif

// OCTET_TARGET_BEGIN("avx2,fma") ... OCTET_TARGET_END: functions defined between the two are compiled for that
// instruction set, regardless of -march. Do not include headers of other libraries in between.
#define OCTET_PRAGMA(x) _Pragma(#x)
// With sanitizers, loops are not unrolled: the kernels would take many minutes to compile.
#if defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define OCTET_SANITIZED 1
#  endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define OCTET_SANITIZED 1
#endif

#if defined(__clang__)
#  define OCTET_TARGET_BEGIN(isa) OCTET_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#  define OCTET_TARGET_END OCTET_PRAGMA(clang attribute pop)
#  define OCTET_UNROLL OCTET_PRAGMA(clang loop unroll(full))
#elif defined(__GNUC__)
#  define OCTET_TARGET_BEGIN(isa) OCTET_PRAGMA(GCC push_options) OCTET_PRAGMA(GCC target(isa))
#  define OCTET_TARGET_END OCTET_PRAGMA(GCC pop_options)
#  define OCTET_UNROLL OCTET_PRAGMA(GCC unroll 32)  // without it, g++ -O2 keeps acc[][] in memory
#else
#  define OCTET_TARGET_BEGIN(isa)
#  define OCTET_TARGET_END
#  define OCTET_UNROLL
#endif

#if defined(OCTET_SANITIZED)
#  undef OCTET_UNROLL
#  define OCTET_UNROLL
#endif

#if defined(__GNUC__) && !defined(OCTET_SANITIZED)
#  define OCTET_INLINE inline __attribute__((always_inline))
#else
#  define OCTET_INLINE inline
#endif
#if defined(__GNUC__)
#  define OCTET_NOINLINE __attribute__((noinline))
#  define OCTET_COLD __attribute__((cold))
#else
#  define OCTET_NOINLINE
#  define OCTET_COLD
#endif

// Hides the origin of a value from the compiler, so that it stays in a register instead of being recomputed.
#if defined(__GNUC__)
#  define OCTET_OPAQUE(x) __asm__("" : "+r"(x))
#else
#  define OCTET_OPAQUE(x) ((void)0)
#endif

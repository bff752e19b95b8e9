#ifndef WINDLASS_TESTS_SANITIZER_H_
#define WINDLASS_TESTS_SANITIZER_H_

// WINDLASS_ADDRESS_SANITIZER is defined where the address sanitizer is built in, by g++ or clang.
#if defined(__SANITIZE_ADDRESS__)
#define WINDLASS_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WINDLASS_ADDRESS_SANITIZER
#endif
#endif

#endif  // WINDLASS_TESTS_SANITIZER_H_

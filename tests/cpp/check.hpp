// A test harness for one program a test file, which includes this once and says for instance
//   TEST(crc_of_nothing_is_zero) { CHECK_EQ(tensorbundle::crc32c(""), 0); }
// The program runs every test, or those named as arguments, ends with the line `N passed, N failed`
// and exits with 1 if one failed. A failed check ends its test by an exception.
#pragma once

#include <concepts>
#include <cstdio>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tensorbundle/base/error.hpp"

namespace check {

inline std::vector<std::pair<std::string, void (*)()>> tests;

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  throw std::logic_error(file + (":" + std::to_string(line)) + ": expected " + what);
}

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

// Integers compare by value, whatever their signs and widths.
template <typename A, typename B>
void equal(const A& a, const B& b, const char* what, const char* file, int line) {
  if constexpr (Integer<A> && Integer<B>) {
    if (std::cmp_equal(a, b)) return;
  } else if (a == b) {
    return;
  }
  std::ostringstream text(what, std::ios::ate);
  if constexpr (requires { text << a << b; }) text << ", found " << a << " and " << b;
  fail(file, line, text.str());
}

template <typename Body>
void throws(Body body, tensorbundle::ErrorCode code, const char* what, const char* file, int line) {
  std::string found = "no error";
  try {
    body();
  } catch (const tensorbundle::Error& error) {
    if (error.code() == code) return;
    found = error.what();
  }
  fail(file, line, std::string(what) + ", found " + found);
}

}  // namespace check

#define TEST(name)                                                                    \
  static void name();                                                                 \
  static const bool name##_added = (check::tests.emplace_back("" #name, name), true); \
  static void name()
#define CHECK(condition) ((condition) ? void() : check::fail(__FILE__, __LINE__, #condition))
#define CHECK_EQ(a, b) check::equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define CHECK_THROWS(expr, code) \
  check::throws([&] { (void)(expr); }, code, #expr " to throw " #code, __FILE__, __LINE__)

int main(int argc, char** argv) {
  std::set<std::string> wanted(argv + 1, argv + argc);
  const bool all = wanted.empty();
  int passed = 0, failed = 0;
  for (const auto& [name, body] : check::tests) {
    if (wanted.erase(name) == 0 && !all) continue;
    try {
      body(), ++passed;
    } catch (const std::exception& error) {
      std::printf("FAILED %s: %s\n", name.c_str(), error.what()), ++failed;
    }
  }
  for (const auto& name : wanted) std::printf("FAILED %s: no such test\n", name.c_str()), ++failed;
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

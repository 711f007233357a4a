#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace factory::test {

/// Asks again and again until the condition holds, for what gives no notice; the pause between leaves the processor to what is awaited.
/// Throws, which fails the test, when that takes so long that it never will: nothing is said about how long it should take.
template <class Condition>
void await(const Condition& condition, std::string_view what) {
  const auto guard = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > guard) throw std::runtime_error("waited in vain for " + std::string(what));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace factory::test

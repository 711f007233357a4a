#include "integration/support/series.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace factory::test {

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given ? std::stoull(given) : otherwise;
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

}  // namespace

std::string tally::text() const {
  return fmt::format("{} rounds; {}; {} events, alarms, windows and statistics compared, {} differ", rounds,
                     testing::PrintToString(readings), outcomes, differing);
}

series::series(std::string command, const char* rounds_variable, std::size_t rounds_of_a_test)
    : command_(std::move(command)),
      all_(from_environment(rounds_variable, rounds_of_a_test)),
      first_seed_(from_environment("FACTORY_CRASH_SEED", 1)) {}

bool series::more() const { return done_.rounds < all_ && !testing::Test::HasFailure(); }

void series::run(const std::function<void(std::uint64_t seed)>& live) {
  say(fmt::format("{} --rounds {} --seed {}", command_, all_, first_seed_));
  for (std::uint64_t seed = first_seed_; more(); ++seed) {
    SCOPED_TRACE(fmt::format("directory of seed {}", seed));
    const std::size_t before = done_.rounds;
    try {
      live(seed);
    } catch (const std::exception& failure) {
      ADD_FAILURE() << failure.what();
    }
    if (testing::Test::HasFailure())
      say(fmt::format("failed; again: {} --rounds {} --seed {}", command_, done_.rounds - before + 1, seed));
    else if (more())
      say(fmt::format("so far (of {}): {}", all_, done_.text()));
  }
  say(fmt::format("result: {}; seed {}{}", done_.text(), first_seed_, testing::Test::HasFailure() ? "; FAILED" : ""));
}

}  // namespace factory::test

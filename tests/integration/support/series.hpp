#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "integration/support/ledger.hpp"

namespace factory::test {

/// The tally of rounds of disturbing a daemon and comparing.
struct tally {
  std::size_t rounds = 0;
  comparison readings;
  std::size_t outcomes = 0, differing = 0;  ///< texts of what was computed
  std::string text() const;
};

/// Rounds in data directories, one directory after another, each begun from a seed of its own: the first one, the next, and so on.
/// So a directory is repeated alone by its seed, as closely as timing allows, and two series differ when their seeds are further
/// apart than they have directories. Nothing is kept from directory to directory but the tally.
class series {
 public:
  /// `command` as a person types it; `rounds_variable` sets the rounds, FACTORY_CRASH_SEED the first seed (1).
  series(std::string command, const char* rounds_variable, std::size_t rounds_of_a_test);

  /// Calls `live` for directory after directory, until all rounds are done or something failed. Prints seed, progress and result, and on a
  /// failure how to repeat the directory. `live` counts its rounds with `round_done`; an exception in it is a failure.
  void run(const std::function<void(std::uint64_t seed)>& live);

  bool more() const;
  void round_done() { ++done_.rounds; }
  tally& done() { return done_; }

 private:
  std::string command_;
  std::size_t all_;
  std::uint64_t first_seed_;
  tally done_;
};

}  // namespace factory::test

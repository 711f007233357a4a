#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "replay/options.hpp"
#include "replay/sink.hpp"
#include "replay/stored_tally.hpp"

namespace factory::replay {

/// What a run did.
struct summary_figures {
  std::uint64_t files = 0, rows = 0, sent = 0;
  changes stored;                               ///< what is there afterwards
  std::uint64_t repeated = 0, overwritten = 0;  ///< met an earlier reading of their file: the same; another
  std::uint64_t empty_cells = 0, bad_cells = 0, out_of_range = 0, rejected = 0;
  std::uint64_t sensors_made = 0, not_judged = 0;
  double seconds = 0;
  std::vector<std::string> notes;   ///< what was passed over, file by file
  std::vector<std::string> faults;  ///< "file:line: column: reason", the first of `rejected`
};
std::string to_text(const summary_figures& done);

enum class outcome : std::uint8_t { finished, interrupted };

/// Sends the files in order. A batch with a bad row is not sent and ends the run, with an error that says how far it went.
/// Readings up to the place that the resume file keeps are durable. `stop` is looked at between batches.
expected<outcome> run(const options& how, sink& to, const std::atomic<bool>& stop, summary_figures& done);

}  // namespace factory::replay

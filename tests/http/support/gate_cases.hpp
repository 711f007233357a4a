#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/gate/gate.hpp"

namespace factory::test {

/// Gives these pieces, one per call; then ends, or fails when it is `broken`. Counts the living sources.
class scripted_source final : public body_source {
 public:
  explicit scripted_source(std::vector<std::string> pieces, bool broken = false);
  ~scripted_source() override;
  scripted_source(const scripted_source&) = delete;
  scripted_source& operator=(const scripted_source&) = delete;
  expected<bool> next(std::string& out) override;

  static std::atomic<int> alive;

 private:
  std::vector<std::string> pieces_;
  std::size_t given_ = 0;
  bool broken_;
};
http_response in_pieces(std::vector<std::string> pieces, bool broken = false);

/// Answers 200 with "METHOD path [name=value]... |body"; /throw throws, /204 answers 204, /bad-field breaks the framing of its answer,
/// /pieces answers "one", "", "two two" in pieces.
/// Bodies: 1 KiB, none under /none, 1 MiB under /big.
void set_echo(gate_rules& rules);

/// The input of a fresh connection, and the output that must follow (without the Date fields).
struct gate_case {
  std::string name;
  std::string input;
  std::string output;
  bool closes = false;  ///< the connection ends by itself
};
/// Every rule of the gate.
std::vector<gate_case> gate_cases();

std::string without_dates(std::string_view answers);
std::string ok(std::string_view body, std::string_view more_fields = "");
std::string refused(unsigned status, std::string_view name, std::string_view detail);

}  // namespace factory::test

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/gate.hpp"

namespace factory::testing {

/// Answers 200 with "METHOD path [name=value]... |body"; /throw throws, /204 answers 204, /bad-field breaks the framing of its answer.
/// Bodies: 1 KiB, none under /none, 1 MiB under /big.
void set_echo(gate_rules& rules);

/// What goes in on a fresh connection, and what must come out of it (without the Date fields).
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

}  // namespace factory::testing

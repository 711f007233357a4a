#pragma once

#include <random>
#include <sstream>
#include <string>

#include "pipelines/support/stream_reference.hpp"

namespace factory::stream_reference {

inline std::string random_window(std::mt19937& random, int length_ms) {
  const auto shift = R"(,"shift_ms":)" + std::to_string(static_cast<int>(random() % 9'000));
  switch (random() % 6) {
    case 0: return R"("tumbling_ms":)" + std::to_string(length_ms) + shift;
    case 1:
      return R"("hopping_ms":)" + std::to_string(length_ms) + R"(,"every_ms":)" + std::to_string(1'000 + random() % 6'000) +
             shift;
    case 2: return R"("sliding_ms":)" + std::to_string(length_ms);
    case 3: return R"("session_ms":)" + std::to_string(500 + random() % 4'000);
    case 4: return R"("count":)" + std::to_string(1 + random() % 9);
    default: return R"("state":"value > 2","minimum_ms":)" + std::to_string(random() % 3'000);
  }
}

/// Random pipelines of the shapes that there are.
inline std::string random_spec(std::mt19937& random) {
  const auto one_of = [&](std::initializer_list<const char*> all) { return std::string(*(all.begin() + random() % all.size())); };
  const bool joins = random() % 2 == 0;
  std::string steps;
  const auto add = [&](const std::string& step) { steps += (steps.empty() ? "" : ",") + step; };
  if (joins) {
    add(R"({"align":{"tolerance_ms":)" + std::to_string(random() % 4'000) + (random() % 2 == 0 ? R"(,"interpolate":true)" : "") +
        "}}");
    add(R"({"compute":")" + one_of({"a - b", "max(a, b)", "a * 2 + b", "a / b"}) + "\"}");
  } else if (random() % 2 == 0) {
    add(R"({"compute":")" + one_of({"a * a", "value / 3", "1 / (a - 2)"}) + "\"}");
  }
  if (random() % 3 == 0) add(R"({"filter":")" + one_of({"value > 1", "a != 3", "value < 4 || a == 0"}) + "\"}");
  if (random() % 5 == 0) add(R"({"derivative":{}})");
  if (random() % 5 == 0) add(R"({"ewma":{"time_constant_ms":3000}})");
  if (random() % 6 == 0)
    add(R"({"limit":{"above":3,"deadband":)" + std::to_string(random() % 3) + R"(,"on_delay_ms":)" +
        std::to_string(random() % 3'000) + R"(,"off_delay_ms":)" + std::to_string(random() % 3'000) +
        one_of({"", R"(,"count":2,"of":3)"}) + "}}");
  if (random() % 6 == 0) add(one_of({R"({"accumulate":{}})", R"({"accumulate":{"reset":"a == 5"}})"}));
  if (random() % 12 == 0) add(one_of({R"({"detector":"spike"})", R"({"detector":{"name":"stuck","sensitivity":3}})"}));
  for (int length_ms : {7'000, 30'000}) {
    if (random() % 2 == 0) continue;
    add(R"({"window":{)" + random_window(random, length_ms) + R"(},"aggregate":)" +
        one_of({R"("count")", R"("sum")", R"("mean")", R"("std")", R"("min")", R"("max")", R"("first")", R"("last")",
                R"("median")", R"("p90")", R"("p99")", R"("integral")", R"("slope")", R"("rate")", R"("changes")",
                R"("time_in_state")", R"("duration")", R"({"quantile":0.25})"}) +
        "}");
    if (random() % 3 == 0) add(R"({"filter":"value > 1.5"})");
  }
  return std::string(R"({"name":"x","sources":{"a":{"sensor_id":1})") + (joins ? R"(,"b":{"sensor_id":2})" : "") +
         R"(},"steps":[)" + steps +
         R"(],"sinks":[{"sensor":{"name":"y"}},{"event":{"when":"value > 2"}},{"event":{"when":"value < 1"}}]})";
}

inline std::string differences(const series& found, const series& expected) {
  std::ostringstream out;
  out.precision(17);
  for (const auto& [time_us, value] : found)
    if (!expected.contains(time_us)) out << " more " << time_us << ": " << value;
  for (const auto& [time_us, value] : expected)
    if (!found.contains(time_us))
      out << " less " << time_us << ": " << value;
    else if (found.at(time_us) != value)
      out << " at " << time_us << ": " << found.at(time_us) << " for " << value;
  return out.str();
}

}  // namespace factory::stream_reference

#include "pipelines/decode/json_names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace factory::json_text {

namespace {

constexpr std::size_t longest = 16;  // no known name is longer

constexpr std::string_view sensor_synonyms[] = {"sensor", "sensornumber", "idsensor"};
constexpr std::string_view time_synonyms[] = {"ts",          "time",         "date",      "datetime",
                                              "timestampms", "timestamputc", "eventtime", "timems"};
constexpr std::string_view value_synonyms[] = {"val"};

constexpr known_name members_of_readings[] = {{"sensor_id", sensor_synonyms},
                                              {"timestamp", time_synonyms},
                                              {"value", value_synonyms},
                                              {"quality"},
                                              {"values"},
                                              {"start"},
                                              {"interval_ms"}};

std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

/// Letters to change, add, drop or swap with their neighbour (Damerau's distance, without editing a swapped pair again).
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, longest + 4>, longest + 4> steps{};
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t k = 0; k <= b.size(); ++k) {
      if (i == 0 || k == 0) {
        steps[i][k] = i + k;
        continue;
      }
      const std::size_t change = steps[i - 1][k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
      steps[i][k] = std::min({steps[i - 1][k] + 1, steps[i][k - 1] + 1, change});
      const bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
      if (swapped) steps[i][k] = std::min(steps[i][k], steps[i - 2][k - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

}  // namespace

std::string_view meant_name(std::string_view key, std::span<const known_name> known) {
  if (key.empty() || key.size() > longest + 2) return {};
  const std::string asked = plain(key);
  for (const known_name& one : known) {
    if (asked == plain(one.name)) return one.name;
    if (std::find(one.synonyms.begin(), one.synonyms.end(), asked) != one.synonyms.end()) return one.name;
  }
  for (const known_name& one : known) {
    const std::string name = plain(one.name);
    const std::size_t allowed = name.size() >= 8 ? 2 : name.size() >= 5 ? 1 : 0;
    if (distance(asked, name) <= allowed) return one.name;
  }
  return {};
}

std::span<const known_name> reading_names() { return std::span(members_of_readings).first(4); }
std::span<const known_name> column_names() { return members_of_readings; }

}  // namespace factory::json_text

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factory {

/// A word that people put on a sensor or a machine, such as line = 3.
struct label {
  std::string key;    ///< 1 to limits::label_key_bytes of A-Z, a-z, 0-9, '_', '-', '.' and '/'
  std::string value;  ///< 1 to limits::label_value_bytes of UTF-8 without control characters
  auto operator<=>(const label&) const = default;
};

/// "line:3"; nullopt where there is no colon. The key ends at the first one.
std::optional<label> parse_label(std::string_view text);
/// What is wrong with a label, as the end of a sentence; nullopt: nothing.
std::optional<std::string> fault_of(const label& one);

/// The labels of one sensor or machine. Each key is there once; keys ascend.
class label_set {
 public:
  /// The value of a key; null where it is not there.
  const std::string* find(std::string_view key) const;
  bool has(const label& one) const;
  void put(label one);  ///< takes the place of a label with that key
  void erase(std::string_view key);
  void clear() { labels_.clear(); }

  std::size_t size() const { return labels_.size(); }
  bool empty() const { return labels_.empty(); }
  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }
  bool operator==(const label_set&) const = default;

 private:
  std::vector<label> labels_;
};

/// What is wrong with the first label of the set that is not as it must be, or that there are too many.
std::optional<std::string> fault_of(const label_set& labels);

/// Appends the bytes of the labels (coding.hpp); get_labels reads them from the front of `in` and advances it, and returns false,
/// leaving both anywhere, when damaged.
void put_labels(std::string& out, const label_set& labels);
bool get_labels(std::string_view& in, label_set& labels);

}  // namespace factory

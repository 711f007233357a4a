#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipelines/model/result.hpp"

namespace factory {

/// Arithmetic over named values: + - * / ^, comparisons, && || and ? :, and functions that depend on nothing but their arguments. Parsed
/// once (muParser). Not for two threads at a time.
class expression {
 public:
  /// `invalid` with what is wrong and where; it may use only these names.
  static expected<expression> parse(const std::string& text, const std::vector<std::string>& names);
  ~expression();
  expression(expression&&) noexcept;
  expression& operator=(expression&&) noexcept;

  /// Values in the order of the names. May be infinite or NaN: the caller looks.
  double of(std::span<const double> values) const;
  /// Whether the text uses the name.
  bool uses(const std::string& name) const;
  static const std::vector<std::string>& function_names();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  explicit expression(std::unique_ptr<impl> parsed);
};

}  // namespace factory

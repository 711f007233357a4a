#include "pipelines/spec/expression.hpp"

#include <muParser.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipelines/spec/limits.hpp"

namespace factory {

namespace {

double sign_of(double v) { return static_cast<double>((v > 0) - (v < 0)); }
double sum_of(const double* values, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += values[i];
  return sum;
}
double mean_of(const double* values, int count) { return count == 0 ? 0 : sum_of(values, count) / count; }
double least(const double* values, int count) { return count == 0 ? 0 : *std::min_element(values, values + count); }
double greatest(const double* values, int count) { return count == 0 ? 0 : *std::max_element(values, values + count); }

struct one_argument {
  const char* name;
  double (*function)(double);
};
constexpr one_argument one_argument_functions[] = {
    {"abs", std::fabs},  {"sqrt", std::sqrt},   {"exp", std::exp},   {"ln", std::log},      {"log", std::log},
    {"log2", std::log2}, {"log10", std::log10}, {"sin", std::sin},   {"cos", std::cos},     {"tan", std::tan},
    {"asin", std::asin}, {"acos", std::acos},   {"atan", std::atan}, {"sinh", std::sinh},   {"cosh", std::cosh},
    {"tanh", std::tanh}, {"floor", std::floor}, {"ceil", std::ceil}, {"round", std::round}, {"trunc", std::trunc},
    {"sign", sign_of}};

/// muParser's own list holds functions that depend on more than their arguments (rnd): only these are known.
void define_functions(mu::Parser& parser) {
  parser.ClearFun();
  for (const auto& each : one_argument_functions) parser.DefineFun(each.name, each.function);
  parser.DefineFun("atan2", static_cast<double (*)(double, double)>(std::atan2));
  parser.DefineFun("fmod", static_cast<double (*)(double, double)>(std::fmod));
  parser.DefineFun("min", least);
  parser.DefineFun("max", greatest);
  parser.DefineFun("sum", sum_of);
  parser.DefineFun("avg", mean_of);
}

/// muParser takes a lone '=' for an assignment to a variable, and ',' outside of a call for several results.
bool assigns(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') continue;
    const bool after_operator = i > 0 && (text[i - 1] == '<' || text[i - 1] == '>' || text[i - 1] == '!');
    if (after_operator) continue;
    if (i + 1 < text.size() && text[i + 1] == '=') {
      ++i;
      continue;
    }
    return true;
  }
  return false;
}

}  // namespace

struct expression::impl {
  mu::Parser parser;
  std::vector<std::string> used;
  std::vector<double> values;  // never resized: the parser points into it
};

expression::expression(std::unique_ptr<impl> parsed) : impl_(std::move(parsed)) {}
expression::~expression() = default;
expression::expression(expression&&) noexcept = default;
expression& expression::operator=(expression&&) noexcept = default;

expected<expression> expression::parse(const std::string& text, const std::vector<std::string>& names) {
  if (text.size() > limits::expression_bytes)
    return fail(errc::invalid, "is longer than " + std::to_string(limits::expression_bytes) + " bytes");
  if (assigns(text)) return fail(errc::invalid, "must not assign: equality is ==");
  if (text.find_first_of("\"\\{}[];@#$") != std::string::npos)
    return fail(errc::invalid, "holds a character that no expression has");
  auto made = std::make_unique<impl>();
  made->values.resize(names.size());
  try {
    define_functions(made->parser);
    for (std::size_t i = 0; i < names.size(); ++i) made->parser.DefineVar(names[i], &made->values[i]);
    made->parser.SetExpr(text);
    int results = 0;
    made->parser.Eval(results);
    if (results != 1) return fail(errc::invalid, "must have one result");
    for (const auto& [name, address] : made->parser.GetUsedVar()) made->used.push_back(name);
  } catch (const mu::ParserError& e) {
    return fail(errc::invalid, "cannot be read: " + e.GetMsg());
  }
  return expression(std::move(made));
}

double expression::of(std::span<const double> values) const {
  std::copy(values.begin(), values.end(), impl_->values.begin());
  return impl_->parser.Eval();
}

bool expression::uses(const std::string& name) const { return std::ranges::find(impl_->used, name) != impl_->used.end(); }

const std::vector<std::string>& expression::function_names() {
  static const auto names = [] {
    std::vector<std::string> all{"atan2", "fmod", "min", "max", "sum", "avg"};
    for (const auto& each : one_argument_functions) all.emplace_back(each.name);
    return all;
  }();
  return names;
}

}  // namespace factory

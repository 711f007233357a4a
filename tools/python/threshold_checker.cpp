/// The Python module threshold_checker: the limit checks of the API, by the same code.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"

namespace py = pybind11;

namespace {

struct alert {
  std::int64_t reading_id;
  double value;
  factory::threshold_breach breach;

  std::string breach_type() const { return std::string(to_text(breach.type)); }
  std::string severity() const { return std::string(to_text(breach.level)); }
};

std::string type_name(py::handle object) { return py::str(py::type::handle_of(object).attr("__name__")); }

/// A finite number; bools and texts are none. `what` begins the sentence of the error.
double finite_number(py::handle object, const std::string& what) {
  if (PyBool_Check(object.ptr())) throw py::type_error(what + " must be a number, not bool");
  const double value = PyFloat_AsDouble(object.ptr());
  if (PyErr_Occurred() != nullptr) {
    const bool too_large = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
    PyErr_Clear();
    if (too_large) throw py::value_error(what + " is out of range");
    throw py::type_error(what + " must be a number, not " + type_name(object));
  }
  if (!std::isfinite(value)) throw py::value_error(what + " must be finite, not " + std::string(py::str(object)));
  return value;
}

std::int64_t integer(py::handle object, const std::string& what) {
  if (PyBool_Check(object.ptr()) || PyIndex_Check(object.ptr()) == 0)
    throw py::type_error(what + " must be an integer, not " + type_name(object));
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const std::int64_t value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) throw py::value_error(what + " is out of range");
  if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

/// A given limit must be a finite number.
std::optional<double> limit(const py::object& object, const char* name) {
  return object.is_none() ? std::nullopt : std::optional(finite_number(object, name));
}

std::vector<alert> check_thresholds(const py::object& readings, const py::object& min_threshold,
                                    const py::object& max_threshold) {
  const factory::threshold_range range{limit(min_threshold, "min_threshold"), limit(max_threshold, "max_threshold")};
  if (range.min && range.max && *range.min > *range.max) throw py::value_error("min_threshold must not be above max_threshold");
  if (PyUnicode_Check(readings.ptr()) || PyDict_Check(readings.ptr()))
    throw py::type_error("readings must be a sequence of (id, value) pairs, not " + type_name(readings));
  const auto rows = py::reinterpret_steal<py::object>(PyObject_GetIter(readings.ptr()));
  if (!rows) {
    if (PyErr_ExceptionMatches(PyExc_TypeError) == 0) throw py::error_already_set();
    PyErr_Clear();
    throw py::type_error("readings must be a sequence of (id, value) pairs, not " + type_name(readings));
  }
  std::vector<alert> found;
  std::size_t index = 0;
  for (const py::handle row : py::iterator(rows)) {
    const std::string what = "readings[" + std::to_string(index++) + "]";
    if (!PyTuple_Check(row.ptr()) && !PyList_Check(row.ptr()))
      throw py::type_error(what + " must be a pair (id, value), not " + type_name(row));
    const auto pair = py::reinterpret_borrow<py::sequence>(row);
    if (pair.size() != 2)
      throw py::value_error(what + " must be a pair (id, value), but has " + std::to_string(pair.size()) + " members");
    const std::int64_t id = integer(py::object(pair[0]), what + ": the id");
    const double value = finite_number(py::object(pair[1]), what + ": the value");
    if (const auto breach = factory::check_thresholds(range, value)) found.push_back({id, value, *breach});
  }
  return found;
}

py::dict to_dict(const alert& a) {
  py::dict out;
  out["reading_id"] = a.reading_id;
  out["value"] = a.value;
  out["breach_type"] = a.breach_type();
  out["threshold_value"] = a.breach.threshold_value;
  out["severity"] = a.severity();
  return out;
}

std::string repr(const alert& a) {
  std::string text = "Alert(";
  bool first = true;
  for (const auto& [name, value] : to_dict(a)) {
    text += (first ? "" : ", ") + std::string(py::str(name)) + "=" + std::string(py::repr(value));
    first = false;
  }
  return text + ")";
}

}  // namespace

PYBIND11_MODULE(threshold_checker, module) {
  module.doc() = "Checks readings against the limits of their sensor, by the code that the API and the live alerts use.";

  py::class_<alert>(module, "Alert", "A reading that passed a limit.")
      .def_readonly("reading_id", &alert::reading_id)
      .def_readonly("value", &alert::value)
      .def_property_readonly("breach_type", &alert::breach_type, "'below_minimum' or 'above_maximum'")
      .def_property_readonly(
          "threshold_value", [](const alert& a) { return a.breach.threshold_value; }, "the limit that was passed")
      .def_property_readonly("severity", &alert::severity,
                             "'medium', 'high' (over 10 % past the limit) or 'critical' (over 20 %)")
      .def("to_dict", &to_dict)
      .def("__repr__", &repr);

  module.def("check_thresholds", &check_thresholds, py::arg("readings"), py::arg("min_threshold") = py::none(),
             py::arg("max_threshold") = py::none(),
             "The alerts of readings strictly below min_threshold or strictly above max_threshold, in their order.\n\n"
             "readings is an iterable of (id, value) pairs: an integer and a finite number. A limit of None is not checked.\n"
             "Raises TypeError or ValueError, naming the reading, for anything else.");
}

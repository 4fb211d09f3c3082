// OpenBLAS: matrix products through CBLAS; a row or a column as a matrix-vector product where that is the faster call.
#include <cblas-openblas.h>

#include <memory>

#include "serve.h"

namespace {

/** Operands of `count` products; values do not matter to the time, as long as none is denormal. */
template <class real>
struct operands {
  std::vector<real> a, b, y;
  operands(size_t count, size_t m, size_t n, size_t k)
      : a(count * m * k, 0.5), b(count * k * n, 0.25), y(count * m * n) {}
};

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float* a, const float* b, float* y) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, ta == CblasTrans ? m : k, b, tb == CblasTrans ? k : n, 0, y, n);
}

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double* a, const double* b, double* y) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, ta == CblasTrans ? m : k, b, tb == CblasTrans ? k : n, 0, y, n);
}

template <class real>
std::vector<variant> products(const request& asked) {
  int m = int(asked.number("M"));
  int n = int(asked.number("N"));
  int k = int(asked.number("K"));
  int count = std::max(1, int(asked.number("B")));
  std::string layout = asked.text("layout");
  CBLAS_TRANSPOSE ta = layout[0] == 'T' ? CblasTrans : CblasNoTrans;
  CBLAS_TRANSPOSE tb = layout[1] == 'T' ? CblasTrans : CblasNoTrans;
  auto data = std::make_shared<operands<real>>(count, m, n, k);
  std::vector<variant> found = {{"openblas", [=] {
                                   for (long i = 0; i < count; i++) {
                                     gemm(ta, tb, m, n, k, &data->a[size_t(i * m * k)], &data->b[size_t(i * k * n)],
                                          &data->y[size_t(i * m * n)]);
                                   }
                                 }}};
  if constexpr (std::is_same_v<real, float>) {
    bool is_stored_as_asked = tb == CblasTrans;
    int rows = is_stored_as_asked ? n : k;
    int columns = is_stored_as_asked ? k : n;
    auto order = is_stored_as_asked ? CblasNoTrans : CblasTrans;
    if (m == 1) {
      found.push_back({"openblas-gemv", [=] {
                         cblas_sgemv(CblasRowMajor, order, rows, columns, 1, data->b.data(), columns, data->a.data(), 1,
                                     0, data->y.data(), 1);
                       }});
    }
  }
  return found;
}

}  // namespace

int main() {
  std::string version = openblas_get_config();
  return serve(version, [](const request& asked) -> std::vector<variant> {
    std::string bench = asked.text("bench");
    if (bench == "sgemm" || bench == "bmm") return products<float>(asked);
    if (bench == "dgemm") return products<double>(asked);
    return {};
  });
}

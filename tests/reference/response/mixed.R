# Reference for the random-intercept model of the lesion chapter (nlme). Run: Rscript mixed.R > mixed.csv
suppressMessages(library(nlme))
alike <- data.frame(patient = rep(1:6, times = c(4, 3, 2, 4, 1, 3)),
  suv = c(5.1, 6.2, 4.8, 5.9, 21, 18, 25, 9, 11, 30, 28, 35, 33, 14, 7, 8.5, 6.6),
  pd = c(1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0))
apart <- transform(alike, suv = suv[c(1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15, 4, 12, 8, 16, 17)])
show <- function(name, d) {
  fit <- lme(log(suv) ~ pd, random = ~ 1 | patient, data = d, method = "REML")
  v <- as.numeric(VarCorr(fit)[, "StdDev"])
  table <- summary(fit)$tTable
  cat(sprintf("%s,%.8f,%.8f,%.8f,%.8f,%.8f\n", name, table[2, 1], table[2, 2], table[1, 1], v[1], v[2]))
}
cat("data,effect,error,intercept,between_sd,within_sd\n")
show("alike", alike)
show("apart", apart)

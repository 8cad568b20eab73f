"""The differential test of the supervision policy against Erlang/OTP; see `../otp_differential.py`."""

Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=811,fd=3))
tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=811,fd=3))
tcp LISTEN 0 128 *:8080 *:* users:(("java",pid=950,fd=3))
udp UNCONN 0 0 127.0.0.1:323 0.0.0.0:* users:(("chronyd",pid=500,fd=5))
udp UNCONN 0 0 [::1]:323 [::]:* users:(("chronyd",pid=500,fd=6))
